"""Sets in the layout of Ultralytics: pixels from shares, class names, splits, and malformed lines by file and line."""

import pickle

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from datasets.class_names import load_class_names
from datasets.sources import BadSampleError, Keyed
from datasets.yolo_source import Yolo
from tests.datasets.conftest import png

PICTURE = png(np.zeros((40, 80, 3), np.uint8))


@pytest.fixture
def folder(tmp_path):
    """A set with the pictures a.png of train and b.png of val, without labels."""
    for split, name in (("train", "a"), ("val", "b")):
        for kind in ("images", "labels"):
            (tmp_path / kind / split).mkdir(parents=True)
        (tmp_path / "images" / split / f"{name}.png").write_bytes(PICTURE)
    (tmp_path / "data.yaml").write_text("names: [plate, car]\n")
    return tmp_path


def label(folder, line: str, file: str = "labels/train/a.txt") -> list[tuple]:
    (folder / file).write_text(line)
    return [(box.name, box.corners.tolist()) for box in Yolo(folder, "train")[0].label.boxes]


def test_boxes_and_polygons_in_pixels(folder):
    lines = "1.0 0.5 0.5 0.25 0.5\n\n0 0.75 0.25 0.75 0.75 0.25 0.75 0.25 0.25\n0 0 0 0.5 0.25 0 0.5\n"
    upright = [[20, 10], [60, 10], [60, 30], [20, 30]]
    around = [[0, 0], [40, 0], [40, 20], [0, 20]]
    found = label(folder, lines)
    assert found == [("car", [[30, 10], [50, 10], [50, 30], [30, 30]]), ("plate", upright), ("plate", around)]


def test_corners_are_ordered_by_pixels_not_by_shares(folder):
    """In shares, this flat object's top side rises by more than 45 degrees."""
    corners = np.array([[20, 30], [36, 20], [40, 28], [24, 38]], np.float32)
    ((_, found),) = label(folder, "0 " + " ".join(f"{x / 80} {y / 40}" for x, y in np.roll(corners, 2, axis=0)))
    np.testing.assert_allclose(found, corners, rtol=1e-6)


def test_samples_splits_and_keys(folder):
    whole, train = Yolo(folder), Yolo(folder, "train")
    assert [whole.key(i) for i in range(len(whole))] == [b"train/a.png", b"val/b.png"]
    assert (len(train), train.key(0), train.origin(0)) == (1, b"a.png", f"{folder}/images/train/a.png")
    assert train[0].image == PICTURE
    assert train[0].label.boxes == (), "no label file: no objects"
    assert isinstance(train, Keyed)
    assert str(pickle.loads(pickle.dumps(whole))[1]) == str(whole[1])
    (folder / "labels" / "train").rename(folder / "labels" / "elsewhere")
    assert Yolo(folder, "train")[0].label.boxes == ()
    with pytest.raises(FileNotFoundError, match=r"does not exist.*yolo:.*:train or yolo:.*:val"):
        Yolo(folder, "test")


def test_a_split_may_be_the_upper_folder(tmp_path):
    for kind in ("images", "labels"):
        (tmp_path / "valid" / kind).mkdir(parents=True)
    (tmp_path / "valid" / "images" / "a.png").write_bytes(PICTURE)
    (tmp_path / "valid" / "labels" / "a.txt").write_text("0 .5 .5 1 1")
    (tmp_path / "classes.txt").write_text("plate\n")
    (box,) = Yolo(tmp_path, "valid")[0].label.boxes
    assert box.corners.tolist() == [[0, 0], [80, 0], [80, 40], [0, 40]]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("0 .5 .5 .1", "3 numbers after the class"),
        ("0 .5 .5 .1 .1 .9", "5 numbers after the class"),
        ("2 .5 .5 .1 .1", "class 2 has no name: expected 0 to 1"),
        ("-1 .5 .5 .1 .1", "class -1 has no name"),
        ("0.5 .5 .5 .1 .1", "class 0.5 has no name"),
        ("nan .5 .5 .1 .1", "class nan has no name"),
        ("plate .5 .5 .1 .1", "does not consist of numbers"),
        ("0 .5 nan .1 .1", "does not hold shares"),
        ("0 300 200 40 20", "does not hold shares of the picture: divide pixels"),
        ("0 .5 .5 0 .1", "encloses no area"),
        ("0 .5 .5 -.1 .1", "encloses no area"),
        ("0 .5 .5 .5 .5 .5 .5 .5 .5", "encloses no area"),
    ],
)
def test_a_malformed_line_is_named(folder, line, reason):
    with pytest.raises(BadSampleError, match=reason) as error:
        label(folder, f"0 .5 .5 .1 .1\n{line}")
    assert error.value.origin == f"{folder}/labels/train/a.txt:2"


def test_an_unreadable_picture_is_named(folder):
    (folder / "images" / "train" / "a.png").write_bytes(b"text")
    with pytest.raises(BadSampleError, match=r"a\.png: not a picture"):
        label(folder, "0 .5 .5 .1 .1")


NAMES = st.lists(st.text(st.characters(codec="utf-8", categories=["L", "N"]), min_size=1), min_size=1, unique=True)


@given(NAMES, st.booleans(), st.booleans())
def test_names_that_yaml_writes_come_back(tmp_path_factory, names, numbered, flow):
    folder = tmp_path_factory.mktemp("set")
    content = {"nc": len(names), "names": dict(enumerate(names)) if numbered else names}
    (folder / "data.yaml").write_text(yaml.safe_dump(content, default_flow_style=flow), encoding="utf-8")
    assert load_class_names(folder) == tuple(names)


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("data.yaml", "train: x", "no list of names"),
        ("data.yaml", "names: {1: a, 2: b}", "has the indices 1, 2: number them from 0"),
        ("data.yaml", "names: [a, a]", "give each class one name"),
        ("data.yaml", "names: [", "is not YAML"),
        ("classes.txt", "\n", "give each class one name"),
        ("other.txt", "a", "does not name its classes"),
    ],
)
def test_malformed_names_are_refused(tmp_path, file, content, reason):
    (tmp_path / file).write_text(content)
    with pytest.raises((ValueError, FileNotFoundError), match=reason):
        load_class_names(tmp_path)
