"""How a CSV file of pictures and texts is read."""

import csv
import pickle
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.csv_source import CsvFile
from datasets.holdout import split_holdout
from datasets.sources import BadSampleError, Keyed, RenderedSource

HEADER = b"image_path,plate_text\n"


def csv_file(folder: Path, content: bytes) -> CsvFile:
    (folder / "a.png").write_bytes(b"pixels")
    (folder / "list.csv").write_bytes(content)
    return CsvFile(folder / "list.csv")


def texts(source: CsvFile) -> list[str]:
    return [source[i].label for i in range(len(source))]


def test_a_sample_holds_the_file_the_text_and_where_it_stands(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a b.png").write_bytes(b"other")
    absolute = str(tmp_path / "a.png")
    source = csv_file(tmp_path, HEADER + f"images/a b.png,KZT\n{absolute},皖A12345\n".encode())
    assert source[0] == (b"other", "KZT", f"{tmp_path}/list.csv:2 (images/a b.png)")
    assert source[1] == (b"pixels", "皖A12345", f"{tmp_path}/list.csv:3 ({absolute})")
    assert not isinstance(source, RenderedSource)
    assert pickle.loads(pickle.dumps(source))[1] == source[1]


def test_other_columns_and_another_order_are_allowed(tmp_path):
    source = csv_file(tmp_path, b"plate_text , region,image_path\r\n123,Spain,a.png\r\n")
    assert source[0][:2] == (b"pixels", "123")


def test_byte_order_mark_blank_lines_and_line_numbers(tmp_path):
    source = csv_file(tmp_path, b'\xef\xbb\xbf\r\nimage_path,plate_text\r\n\r\na.png,"1\n2"\r\n\na.png,3')
    assert texts(source) == ["1\n2", "3"]
    assert [source.origin(i) for i in (0, 1)] == [f"{tmp_path}/list.csv:{n} (a.png)" for n in ("4-5", "7")]


def test_quotes_are_those_of_csv(tmp_path):
    source = csv_file(tmp_path, HEADER + b'"a.png","$1,50"\na.png,"say ""hi"""\na.png," led "\na.png,5\'\n')
    assert texts(source) == ["$1,50", 'say "hi"', " led ", "5'"]


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5), st.sampled_from(["\n", "\r\n"]))
def test_what_the_csv_module_writes_comes_back(tmp_path_factory, written, line_end):
    folder = tmp_path_factory.mktemp("folder")
    with (folder / "list.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator=line_end, quoting=csv.QUOTE_ALL)  # Python 3.11 forgets those of a CR
        writer.writerows([["image_path", "plate_text"], *(["a.png", text] for text in written)])
    assert texts(csv_file(folder, (folder / "list.csv").read_bytes())) == written


@pytest.mark.parametrize(
    ("row", "place", "reason"),
    [
        (b"a.png", "", "1 fields, .* 2"),
        (b"a.png,1,50", "", "3 fields, .* 2: .*quotes"),
        (b",123", "", "image_path is empty"),
        (b"none.png,123", " (none.png)", "cannot be read: No such file"),
        (b".,123", " (.)", "cannot be read: Is a directory"),
        (b"a\0.png,123", " (a\0.png)", "cannot be read: embedded null byte"),
        (b'a.png,"12"3', "", r"CSV \(',' expected after '\"'\)"),
        (b'a.png,"' + b"1" * 200_000 + b'"', "", r"CSV \(field larger than field limit"),
        ("a.png,京".encode("gbk"), "", r"'a.png', '\\udcbe\\udca9' is not UTF-8"),
    ],
    ids=range(9),
)
def test_a_malformed_row_is_named_and_the_others_are_read(tmp_path, row, place, reason):
    source = csv_file(tmp_path, HEADER + b"a.png,1\n" + row + b"\na.png,3\n")
    with pytest.raises(BadSampleError, match=reason) as caught:
        source[1]
    assert caught.value.origin == f"{tmp_path}/list.csv:3{place}"
    assert len(source) == 3
    assert source[2].label == "3"


def test_a_quote_that_is_never_closed_is_named_with_all_that_it_takes_in(tmp_path):
    source = csv_file(tmp_path, HEADER + b'a.png,1\na.png,"2\na.png,3\na.png,4\n')
    assert len(source) == 2
    with pytest.raises(BadSampleError, match="unexpected end of data") as caught:
        source[1]
    assert caught.value.origin == f"{tmp_path}/list.csv:3-5"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", r"list.csv is empty: .*image_path,plate_text"),
        (b"\n\r\n", r"list.csv is empty"),
        (b"a.png,123\n", r"list.csv:1: .*\['a.png', '123'\].*image_path.*plate_text"),
        (b"\nimage_path;plate_text\n", r"list.csv:2: .*\['image_path;plate_text'\]"),
        (b"image_path,plate_text,plate_text\n", r"list.csv:1: .*'plate_text', 'plate_text'\]"),
        ("image_path,plate_text\n".encode("utf-16"), "list.csv:1: .*UTF-8"),
        (b'"image_path', "list.csv:1: unexpected end of data"),
    ],
)
def test_a_file_without_the_header_is_refused(tmp_path, content, reason):
    with pytest.raises(ValueError, match=reason):
        csv_file(tmp_path, content)


def test_a_header_alone_is_an_empty_source(tmp_path):
    assert len(csv_file(tmp_path, HEADER)) == 0


def test_a_file_that_does_not_exist_is_named(tmp_path):
    for path in (tmp_path / "nowhere.csv", tmp_path):
        with pytest.raises(FileNotFoundError, match=f"{path} does not exist"):
            CsvFile(path)


def test_held_out_samples_are_the_same_in_any_order(tmp_path):
    rows = [f"{number}.png,x\n".encode() for number in range(40)]
    held = []
    for seed in (1, 2):
        random.Random(seed).shuffle(rows)
        source = csv_file(tmp_path, HEADER + b"".join(rows))
        assert isinstance(source, Keyed)
        held.append({source.key(index) for index in split_holdout(source, 0.25)[1].indices})
    assert held[0] == held[1]
    assert len(held[0]) == 10
