"""Incipits in PrIMuS's folders, plain and of Camera-PrIMuS."""

import pytest

from datasets.builders.entries import Entry
from datasets.builders.primus import Primus
from datasets.sources import BadSampleError

SEMANTIC = "clef-C1\tkeySignature-EbM\ttimeSignature-2/4\tmultirest-23\tbarline\tnote-G4_eighth.\t"
AGNOSTIC = "clef.C-L1\taccidental.flat-L4\tdigit.2-L4\tmultirest-L3\tbarline-L1\tnote.eighth-S2\tdot-S2\t"


@pytest.fixture
def camera(tmp_path):
    for package, name in (("package_aa", "000051652-1_1_1"), ("package_ab", "000100005-1_2_1")):
        folder = tmp_path / package / name
        folder.mkdir(parents=True)
        (folder / f"{name}.semantic").write_text(SEMANTIC)
        (folder / f"{name}.agnostic").write_text(AGNOSTIC)
        for ending in (".png", "_distorted.jpg", ".mei"):
            (folder / f"{name}{ending}").touch()
    return tmp_path


@pytest.mark.parametrize(
    ("config", "text"),
    [
        (None, "clef-C1 keySignature-EbM timeSignature-2/4 multirest-23 barline note-G4_eighth."),
        ("semantic", "clef-C1 keySignature-EbM timeSignature-2/4 multirest-23 barline note-G4_eighth."),
        ("agnostic", "clef.C-L1 accidental.flat-L4 digit.2-L4 multirest-L3 barline-L1 note.eighth-S2 dot-S2"),
    ],
)
def test_tokens_have_one_space_between_them(camera, config, text, tmp_path):
    splits = Primus(config=config, data_dir=tmp_path / "out").splits(camera)
    assert list(splits) == ["train", "distorted"]
    first, second = splits["distorted"]()
    path = "package_aa/000051652-1_1_1/000051652-1_1_1"
    assert first == Entry(camera / f"{path}_distorted.jpg", text, f"{path}.{config or 'semantic'}")
    assert isinstance(second, Entry)
    (first, _) = splits["train"]()
    assert isinstance(first, Entry)
    assert first.path == camera / f"{path}.png"


def test_the_plain_set_has_no_camera_pictures(tmp_path):
    (tmp_path / "000051652-1_1_1").mkdir()
    for ending, content in ((".semantic", SEMANTIC), (".png", "")):
        (tmp_path / "000051652-1_1_1" / f"000051652-1_1_1{ending}").write_text(content)
    assert list(Primus(data_dir=tmp_path / "out").splits(tmp_path)) == ["train"]


def test_labels_that_cannot_be_read_are_named(camera, tmp_path):
    labels = sorted(camera.rglob("*.semantic"))
    labels[0].write_bytes(b"clef-\xff")
    labels[1].unlink()
    labels[1].mkdir()
    entries = list(Primus(data_dir=tmp_path / "out").splits(camera)["train"]())
    assert [type(entry) for entry in entries] == [BadSampleError] * 2
    assert "not UTF-8" in str(entries[0])
    assert "cannot be read: Is a directory" in str(entries[1])


def test_a_folder_without_incipits_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"NAME/NAME\.png and NAME/NAME\.agnostic"):
        Primus(config="agnostic", data_dir=tmp_path / "out").splits(tmp_path)
