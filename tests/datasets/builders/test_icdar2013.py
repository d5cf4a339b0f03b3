"""ICDAR 2013's label lines with their quotes, and its two places for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.builders.entries import Entry
from datasets.builders.icdar2013 import Icdar2013, parse_ground_truth
from datasets.sources import BadSampleError

TRAIN, TEST = "Challenge2_Training_Task3_Images_GT", "Challenge2_Test_Task3_Images"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ('word_1.png, "PROPER"', "PROPER"),
        ('word_2.png, "FOOD,"', "FOOD,"),
        (r'word_3.png, "\"Hello\""', '"Hello"'),
        (r'word_4.png, "back\\slash"', "back\\slash"),
        ('word_5.png, "£3.50"', "£3.50"),
        ('word_6.png,"5" long"', '5" long'),
    ],
)
def test_texts(tmp_path, line, text):
    (tmp_path / "gt.txt").write_bytes(b"\xef\xbb\xbf" + line.encode() + b"\r\n")
    (entry,) = parse_ground_truth(tmp_path, TRAIN, "gt.txt")
    name = line.partition(",")[0]
    assert entry == Entry(tmp_path / TRAIN / name, text, f"gt.txt:1 ({name})")


@given(st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1))
def test_every_text_comes_back(tmp_path_factory, text):
    root = tmp_path_factory.mktemp("icdar")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    (root / "gt.txt").write_bytes(f'a.png, "{escaped}"\n'.encode())
    (entry,) = parse_ground_truth(root, ".", "gt.txt")
    assert isinstance(entry, Entry)
    assert entry.text == text


@pytest.mark.parametrize("line", ["word_1.png PROPER", "word_1.png, PROPER", '"PROPER"', "word_1.png"])
def test_malformed_lines_are_named(tmp_path, line):
    (tmp_path / "gt.txt").write_text(f'word_0.png, "A"\n{line}\n')
    _, bad = parse_ground_truth(tmp_path, ".", "gt.txt")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "gt.txt:2"
    assert repr(line) in bad.reason


def test_bytes_that_are_not_utf8_are_named(tmp_path):
    (tmp_path / "gt.txt").write_bytes(b'a.png, "\xa3"\na.png, "B"\n')
    bad, good = parse_ground_truth(tmp_path, ".", "gt.txt")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "gt.txt:1"
    assert isinstance(good, Entry)


@pytest.mark.parametrize("test_labels", ["Challenge2_Test_Task3_GT.txt", f"{TEST}/gt.txt"])
def test_splits(tmp_path, test_labels):
    builder = Icdar2013(data_dir=tmp_path / "out")
    with pytest.raises(FileNotFoundError, match=r"Challenge2_Training_Task3_Images_GT/gt\.txt"):
        builder.splits(tmp_path)
    for file in (f"{TRAIN}/gt.txt", test_labels):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text('word_1.png, "A"\n')
    splits = builder.splits(tmp_path)
    found = {split: next(entries()) for split, entries in splits.items()}
    assert found == {
        "train": Entry(tmp_path / TRAIN / "word_1.png", "A", f"{TRAIN}/gt.txt:1 (word_1.png)"),
        "test": Entry(tmp_path / TEST / "word_1.png", "A", f"{test_labels}:1 (word_1.png)"),
    }


def test_a_file_for_the_labels_goes_before_one_among_the_pictures(tmp_path):
    (tmp_path / TEST).mkdir()
    (tmp_path / TEST / "gt.txt").write_text('word_1.png, "A"\n')
    (tmp_path / "Challenge2_Test_Task3_GT.txt").write_text('word_1.png, "B"\n')
    entry = next(Icdar2013(data_dir=tmp_path / "out").splits(tmp_path)["test"]())
    assert isinstance(entry, Entry)
    assert entry.text == "B"
