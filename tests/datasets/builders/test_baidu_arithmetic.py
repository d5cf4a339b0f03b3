"""Expressions with their results."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.builders.baidu_arithmetic import BaiduArithmetic, parse_labels, value
from datasets.builders.entries import Entry
from datasets.sources import BadSampleError

LABELS = "(3-7)+5 1\n5-6+2 1\n(6+7)*2 26\n(0-2)+5 3\n"


def test_line_one_is_picture_zero(tmp_path):
    (tmp_path / "labels.txt").write_text(LABELS)
    entries = list(parse_labels(tmp_path, "labels.txt"))
    assert entries[0] == Entry(tmp_path / "0.png", "(3-7)+5", "labels.txt:1 (0.png)", extra={"result": 1})
    assert [entry.text for entry in entries if isinstance(entry, Entry)] == ["(3-7)+5", "5-6+2", "(6+7)*2", "(0-2)+5"]


def test_blank_lines_keep_the_count_of_pictures(tmp_path):
    (tmp_path / "labels.txt").write_text("1+1+1 3\n\n2+2+2 6\n")
    _, entry = parse_labels(tmp_path, "labels.txt")
    assert isinstance(entry, Entry)
    assert entry.path.name == "2.png"


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("(3-7)+5 2", "'(3-7)+5' evaluates to 1, not 2"),
        ("(3-7)+5", "invalid literal"),
        ("(3-7+5 1", "'(3-7+5' is not"),
        ("7/2-1 2", "'7/2-1' is not an expression of whole numbers"),
        ("2**9+1 513", "'2**9+1' is not an expression of whole numbers"),
        ("__import__('os') 0", "is not an expression of whole numbers"),
        ("True+1 2", "'True+1' is not an expression of whole numbers"),
        ("-3 -3", "'-3' is not an expression of whole numbers"),
        ("3+\0 3", r"'3+\x00' is not"),
        ("1" + "+1" * 3000 + " 3001", "6001 characters"),
        ("9999999999*9999999999 99999999980000000001", "64 bits"),
        ("(" * 500 + "1" + ")" * 500 + " 1", "1001 characters"),
    ],
)
def test_malformed_labels_are_named(tmp_path, line, reason):
    (tmp_path / "labels.txt").write_text(f"{line}\n{LABELS}")
    bad, *good = parse_labels(tmp_path, "labels.txt")
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "labels.txt:1 (0.png)"
    assert reason in bad.reason
    assert len(good) == 4


@given(st.lists(st.tuples(st.sampled_from("+-*"), st.integers(0, 99)), max_size=4), st.integers(0, 99))
def test_the_value_is_what_python_makes_of_it(parts, first):
    expression = str(first) + "".join(f"{operator}{number}" for operator, number in parts)
    assert value(expression) == eval(expression)


def test_splits(tmp_path):
    folder = tmp_path / "image_contest_level_1"
    folder.mkdir()
    (folder / "labels.txt").write_text(LABELS)
    builder = BaiduArithmetic(data_dir=tmp_path / "out")
    for source in (tmp_path, folder):
        (entries,) = builder.splits(source).values()
        assert len(list(entries())) == 4
    with pytest.raises(FileNotFoundError, match=r"none of labels\.txt"):
        builder.splits(tmp_path / "out")
