"""Annotation lines of Synth90k, in the archive's layout."""

import cv2
import numpy as np
import pytest

from datasets.builders.entries import Entry, load
from datasets.builders.synth90k import Synth90k, parse_annotations
from datasets.sources import BadSampleError

LINES = "./2425/1/115_Lube_45484.jpg 45484\n./2425/1/114_Spencerian_73323.jpg 73323\n"


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "mnt" / "ramdisk" / "max" / "90kDICT32px"
    (folder / "2425" / "1").mkdir(parents=True)
    for name in ("115_Lube_45484", "114_Spencerian_73323"):
        cv2.imwrite(str(folder / "2425" / "1" / f"{name}.jpg"), np.full((31, 80, 3), 128, np.uint8))
    for split in ("train", "val", "test"):
        (folder / f"annotation_{split}.txt").write_text(LINES)
    return folder


def test_the_word_is_the_one_in_the_file_name_as_it_was_rendered(root):
    first, second = parse_annotations(root, "annotation_val.txt")
    assert first == Entry(
        root / "2425/1/115_Lube_45484.jpg", "Lube", "annotation_val.txt:1 (./2425/1/115_Lube_45484.jpg)"
    )
    assert isinstance(second, Entry)
    assert second.text == "Spencerian"


@pytest.mark.parametrize("above", [".", "..", "../../../.."])
def test_the_folder_is_found_where_the_archive_puts_it(root, above, tmp_path):
    splits = Synth90k(data_dir=tmp_path / "out").splits((root / above).resolve())
    assert list(splits) == ["train", "validation", "test"]
    for entries in splits.values():
        assert [isinstance(x, BadSampleError) for x in load(entries())] == [False, False]


def test_a_part_of_the_set_will_do(root, tmp_path):
    (root / "annotation_train.txt").unlink()
    assert list(Synth90k(data_dir=tmp_path / "out").splits(root)) == ["validation", "test"]


@pytest.mark.parametrize("line", ["./2425/1/115.jpg 45484", "nonsense", "./1/1_two_words_2.jpg 7"])
def test_malformed_lines_are_named(root, line):
    (root / "annotation_test.txt").write_text(f"{line}\n{LINES}")
    bad, *good = parse_annotations(root, "annotation_test.txt")
    assert isinstance(bad, BadSampleError)
    assert str(bad).startswith("annotation_test.txt:1: ")
    assert line in str(bad)
    assert len(good) == 2


def test_lines_are_read_as_they_are_asked_for(root):
    path = root / "annotation_train.txt"
    path.write_text(LINES * 10_000)
    entries = parse_annotations(root, "annotation_train.txt")
    next(entries)
    with path.open("a") as file:
        file.write("./2425/1/1_Later_2.jpg 2\n")  # not seen by one who has read the file already
    *others, last = entries
    assert len(others) == 19_999
    assert isinstance(last, Entry)
    assert last.text == "Later"
