"""The two folders of PetImages."""

import cv2
import numpy as np
import pytest

from datasets.builders.cats_vs_dogs import CatsVsDogs
from datasets.builders.entries import Entry, Loaded, load
from datasets.builders.prepare import prepare_set
from datasets.sources import BadSampleError
from datasets.specs import open_source


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


@pytest.mark.parametrize("below", ["", "train"])
def test_the_files_of_kaggle_are_labelled_by_their_names(tmp_path, capsys, below):
    folder = tmp_path / "kaggle" / "train"
    folder.mkdir(parents=True)
    for name in ("dog.10.jpg", "dog.2.jpg", "cat.1.jpg", "bird.0.jpg"):
        cv2.imwrite(str(folder / name), np.zeros((8, 9, 3), np.uint8))
    (folder / "._cat.2.jpg").touch()
    source = folder if below else folder.parent
    prepared = prepare_set("cats_vs_dogs", source, tmp_path / "out")
    assert "train: 3 samples" in capsys.readouterr().out
    samples = open_source(f"tfds:{prepared}:train")
    found = [(samples[i].label, samples[i].origin.split()[-1].strip("()")) for i in range(3)]
    assert found == [("cat", "cat.1.jpg"), ("dog", "dog.2.jpg"), ("dog", "dog.10.jpg")]


def test_a_folder_in_neither_layout_names_both(tmp_path):
    (tmp_path / "a.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"Cat and Dog.* cat\.0\.jpg"):
        prepare_set("cats_vs_dogs", tmp_path, tmp_path / "out")
