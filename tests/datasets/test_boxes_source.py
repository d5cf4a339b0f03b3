"""Samples of boxes.tsv: corners in either form, and malformed rows by file and line."""

import pickle

import numpy as np
import pytest

from datasets.boxes_source import Boxes
from datasets.holdout import split_holdout
from datasets.needs import Needs
from datasets.preflight import BadSamplesError, preflight
from datasets.sources import BadSampleError, Grouped, RenderedSource
from recog.codecs import BoxCodec
from recog.preprocess import Preprocess
from tests.datasets.conftest import png

BOX = "1,2 9,2 9,5 1,5"
CORNERS = [[1, 2], [9, 2], [9, 5], [1, 5]]


@pytest.fixture
def boxes(tmp_path):
    """Writes boxes.tsv beside the pictures a.png, b.png and c.png, and opens it."""

    def write(content: str | bytes) -> Boxes:
        for name in "abc":
            (tmp_path / f"{name}.png").write_bytes(name.encode())
        (tmp_path / "boxes.tsv").write_bytes(content if isinstance(content, bytes) else content.encode())
        return Boxes(tmp_path)

    return write


def rows(source: Boxes, index: int) -> list[tuple]:
    return [(box.corners.tolist(), box.name, box.text) for box in source[index].label.boxes]


def test_rows_of_a_file_are_one_sample(boxes, tmp_path):
    source = boxes(f"b.png\t京A1\t{BOX}\na.png\nb.png\t\t{BOX.replace('1,2', '0.5,1')}\tcar\n")
    assert len(source) == 2
    assert source[0].image == b"b"
    assert rows(source, 0) == [(CORNERS, "plate", "京A1"), ([[0.5, 1], *CORNERS[1:]], "car", "")]
    assert source[0].label.boxes[0].corners.dtype == np.float32
    assert source[1] == (b"a", source[1].label, f"{tmp_path}/boxes.tsv:2 (a.png)")
    assert rows(source, 1) == []
    assert [source.key(0), source.key(1), source.origin(0)] == [b"b.png", b"a.png", f"{tmp_path}/boxes.tsv:1 (b.png)"]
    assert isinstance(source, Grouped)
    assert not isinstance(source, RenderedSource)
    assert [str(source[i]) for i in (0, 1)] == [str(pickle.loads(pickle.dumps(source))[i]) for i in (0, 1)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("corners", [BOX, BOX.replace(" ", "\t")])
def test_headers_line_ends_and_tabs_between_corners(boxes, end, mark, corners):
    lines = ["file\tplate\tx0,y0\tx1,y1\tx2,y2\tx3,y3", f"a.png\tA 1\t{corners}", f"c.png\t\t{corners}\tcar\t", ""]
    source = boxes(mark + end.join(lines))
    assert [rows(source, i) for i in range(len(source))] == [[(CORNERS, "plate", "A 1")], [(CORNERS, "car", "")]]
    assert [source.origin(i).rpartition(":")[2] for i in (0, 1)] == ["2 (a.png)", "3 (c.png)"]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("T\t1,2 9,2 9,5", "has 3 corners instead of 4"),
        (f"T\t{BOX} 3,3", "has 5 corners instead of 4"),
        ("T\t1,2\t9,2\t9,5\tcar", "has 3 corners instead of 4"),
        ("T", "has 0 corners instead of 4"),
        ("T\t1,2 9,2 9,5 left,top", "'left,top' is not a corner x,y in numbers"),
        ("T\t1 2 9 2 9 5 1 5", "has 8 corners instead of 4"),
        ("T\t1,2 9,2 9,5 nan,5", "not finite"),
        ("T\t1,2 1,2 1,2 1,2", "no area"),
        (f"T\t{BOX}\tcar\tred", "has 1 fields after the class, such as 'red'"),
    ],
)
def test_a_malformed_row_is_named(boxes, tmp_path, fields, reason):
    source = boxes(f"a.png\t\t{BOX}\n\nb.png\t\t{BOX}\na.png\t{fields}\n")
    with pytest.raises(BadSampleError, match=reason) as error:
        source[0]
    assert error.value.origin == f"{tmp_path}/boxes.tsv:4 (a.png)"
    assert rows(source, 1) == [(CORNERS, "plate", "")]


@pytest.mark.parametrize("corners", ["1,2 1,5 9,5 9,2", "9,2 9,5 1,5 1,2", "9,5 1,5 1,2 9,2"])
def test_corners_are_put_in_order_wherever_they_begin(boxes, corners):
    assert rows(boxes(f"a.png\tA1\t{corners}\n"), 0) == [(CORNERS, "plate", "A1")]


def test_rows_that_are_not_utf8_or_have_no_file(boxes):
    source = boxes(b"a.png\t\xff\t" + BOX.encode() + b"\n\tT\t" + BOX.encode() + b"\nd.png\n")
    for index, reason in enumerate(("save the file as UTF-8", "does not begin with a file", "cannot be read")):
        with pytest.raises(BadSampleError, match=reason):
            source[index]


def test_a_preflight_leaves_out_bad_rows_if_asked_to(boxes, tmp_path):
    source = boxes(f"a.png\tT\t{BOX}\nb.png\tT\t1,2 9,2\nc.png\tT\t31,2 39,2 39,5 31,5\n")
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes(png(np.arange(300, dtype=np.uint8).reshape(10, 30, 1)))
    codec = BoxCodec(("plate",))
    needs = Needs(Preprocess(height=10, width=30), codec, codec.problems)
    checked = preflight(source, needs, on_bad_sample="skip")
    assert checked.indices.tolist() == [0]
    places = [problem.origin.rpartition("/")[2] for problem in checked.problems]
    assert places == ["boxes.tsv:2 (b.png)", "boxes.tsv:3 (c.png)"]
    with pytest.raises(BadSamplesError, match=r"boxes\.tsv:2 \(b\.png\): has 2 corners"):
        preflight(source, needs, on_bad_sample="raise")


def test_pictures_of_one_text_are_held_out_together(boxes):
    lines = [f"{number}.png\tT{number % 4}\t{BOX}" for number in range(12)]
    source = boxes("\n".join([*lines, "12.png", "13.png"]))
    training, validation = split_holdout(source, 0.5)
    sides = [{source.group(index) for index in side.indices} for side in (training, validation)]
    assert not sides[0] & sides[1]
    assert sides[0] | sides[1] == {b"T0", b"T1", b"T2", b"T3", b"12.png", b"13.png"}


def test_a_text_in_common_joins_pictures(boxes):
    pairs = ["B C", "A B", "D", "C E", "F G", "D"]
    source = boxes("\n".join(f"{n}.png\t{text}\t{BOX}" for n, pair in enumerate(pairs) for text in pair.split()))
    assert [source.group(index) for index in range(6)] == [b"A", b"A", b"D", b"A", b"F", b"D"]


def test_other_files_that_may_be_meant_are_named(tmp_path):
    (tmp_path / "plates.tsv").touch()
    with pytest.raises(FileNotFoundError, match=rf"name it: boxes:{tmp_path}/plates\.tsv$"):
        Boxes(tmp_path)
    with pytest.raises(ValueError, match=r"plates\.tsv holds no rows"):
        Boxes(tmp_path / "plates.tsv")


def test_commas_for_tabs_are_refused_once(boxes, tmp_path):
    with pytest.raises(ValueError, match=r"boxes\.tsv:1 names no picture, and no row has a tab"):
        boxes("a.png,T,1 2 9 2 9 5 1 5\nb.png,T,1 2 9 2 9 5 1 5")
    assert len(boxes("a.png\nb.png\n")) == 2, "pictures without objects"
