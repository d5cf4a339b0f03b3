"""The two folders of PetImages."""

import cv2
import numpy as np
import pytest

from datasets.builders.cats_vs_dogs import CatsVsDogs
from datasets.builders.entries import Entry, Loaded, load
from datasets.builders.prepare import prepare_set
from datasets.sources import BadSampleError


@pytest.fixture
def pets(tmp_path):
    for folder in ("Cat", "Dog"):
        (tmp_path / "PetImages" / folder).mkdir(parents=True)
        for other in ("Thumbs.db", "._0.jpg"):
            (tmp_path / "PetImages" / folder / other).touch()
        for number in (0, 2, 10):
            cv2.imwrite(str(tmp_path / "PetImages" / folder / f"{number}.jpg"), np.zeros((8, 9, 3), np.uint8))
    return tmp_path


def test_labels_are_the_folders_and_pictures_come_by_number(pets, tmp_path):
    builder = CatsVsDogs(data_dir=tmp_path / "out")
    for source in (pets, pets / "PetImages"):
        entries = list(builder.splits(source)["train"]())
        assert entries[0] == Entry(pets / "PetImages/Cat/0.jpg", "cat", "Cat/0.jpg")
        assert [entry.origin for entry in entries if isinstance(entry, Entry)] == [
            f"{folder}/{number}.jpg" for folder in ("Cat", "Dog") for number in (0, 2, 10)
        ]
        assert [entry.text for entry in entries if isinstance(entry, Entry)] == ["cat"] * 3 + ["dog"] * 3


def test_files_that_are_no_pictures_are_named(pets, tmp_path):
    (pets / "PetImages/Cat/2.jpg").write_bytes(b"")
    (pets / "PetImages/Dog/10.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut short")
    loaded = list(load(CatsVsDogs(data_dir=tmp_path / "out").splits(pets)["train"]()))
    assert [x.origin for x in loaded if isinstance(x, BadSampleError)] == ["Cat/2.jpg", "Dog/10.jpg"]
    good = [x for x in loaded if isinstance(x, Loaded)]
    assert [x.picture for x in good] == [x.entry.path.read_bytes() for x in good]


def test_broken_pictures_that_are_published_are_left_out_unless_asked_for(pets, tmp_path, capsys):
    (pets / "PetImages/Cat/2.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"Cat/2\.jpg"):
        prepare_set("cats_vs_dogs", pets, tmp_path / "strict", "raise")
    prepare_set("cats_vs_dogs", pets, tmp_path / "out")
    printed = capsys.readouterr().out
    assert "train: 5 samples" in printed
    assert "1 malformed entries were left out" in printed
