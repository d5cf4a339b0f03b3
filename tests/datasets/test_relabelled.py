"""Pictures of a source with labels of their own."""

import pytest

from datasets.relabelled import Relabelled, Unlabelled, label_of_nothing
from datasets.sources import Folder
from recog.alphabet import DIGITS
from recog.codecs import BoxCodec, ClassCodec, Codec, TextCodec
from tests.launch.pictures import Texts, write_folder


def test_chosen_pictures_have_the_given_labels_and_say_by_whom(tmp_path):
    source = Folder(write_folder(tmp_path / "a", "1", "2", "3"))
    chosen = Relabelled(source, [2, 0], ["33", "11"], "runs/first")
    assert [(chosen[i].label, chosen[i].image) for i in range(len(chosen))] == [
        ("33", source[2].image),
        ("11", source[0].image),
    ]
    assert chosen[0].origin == chosen.origin(0) == f"{source.origin(2)}, read by runs/first"
    assert chosen.key(1) == b"0.png"


@pytest.mark.parametrize("codec", [TextCodec(DIGITS), ClassCodec(("cat", "dog")), BoxCodec(("plate",))])
def test_pictures_without_labels_can_be_loaded_for_every_kind_of_label(codec: Codec):
    source = Unlabelled(Texts("not a digit"), label_of_nothing(codec))
    label = source[0].label
    assert label != "not a digit"
    codec.encode(label)
