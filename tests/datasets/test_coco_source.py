"""Sets in COCO's form: boxes and polygons, crowds, folders, and malformed files with the reason."""

import json
import pickle
from typing import Any

import numpy as np
import pytest

from datasets.coco_source import Coco
from datasets.sources import BadSampleError, Keyed
from datasets.specs import open_source
from tests.datasets.conftest import png

PICTURE = png(np.zeros((40, 80, 3), np.uint8))
CORNERS = [[10, 5], [30, 5], [30, 15], [10, 15]]


@pytest.fixture
def content() -> dict[str, Any]:
    return {
        "images": [
            {"id": 7, "file_name": "b.png", "width": 80, "height": 40},
            {"id": 3, "file_name": "sub/a.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 2, "bbox": [10, 5, 20, 10]},
            {
                "id": 2,
                "image_id": 7,
                "category_id": 9,
                "bbox": [0, 0, 1, 1],
                "segmentation": [[30, 17, 10, 15, 10, 5, 30, 7]],
            },
            {"id": 4, "image_id": 7, "category_id": 2, "bbox": [0, 0, 9, 9], "iscrowd": 1, "segmentation": {}},
        ],
        "categories": [{"id": 2, "name": "plate"}, {"id": 9, "name": "car"}],
    }


def opened(folder, content) -> Coco:
    (folder / "sub").mkdir(exist_ok=True)
    for name in ("b.png", "sub/a.png"):
        (folder / name).write_bytes(PICTURE)
    (folder / "set.json").write_text(json.dumps(content))
    return Coco(folder / "set.json")


def test_samples(content, tmp_path):
    source = opened(tmp_path, content)
    assert (len(source), source.crowds) == (2, 1)
    image, label, origin = source[0]
    assert (image, origin, source.key(0)) == (PICTURE, f"{tmp_path}/set.json (b.png)", b"b.png")
    assert [(box.name, box.corners.tolist()) for box in label.boxes] == [
        ("plate", CORNERS),
        ("car", [[10, 5], [30, 7], [30, 17], [10, 15]]),
    ]
    assert source[1].label.boxes == ()
    assert isinstance(source, Keyed)
    assert str(pickle.loads(pickle.dumps(source))[0]) == str(source[0])


def test_the_pictures_may_be_elsewhere_and_crowds_are_noted(content, tmp_path, capsys):
    opened(tmp_path, content)
    (tmp_path / "lists").mkdir()
    (tmp_path / "set.json").rename(tmp_path / "lists" / "set.json")
    assert open_source(f"coco:{tmp_path}/lists/set.json:{tmp_path}")[0].image == PICTURE
    assert "set.json: 1 annotations of crowds are left out" in capsys.readouterr().out
    with pytest.raises(BadSampleError, match="cannot be read"):
        open_source(f"coco:{tmp_path}/lists/set.json")[0]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.pop("categories"), "expected an object with the lists images, annotations, categories"),
        (lambda c: c["images"][0].pop("file_name"), r"images\[0\] lacks file_name"),
        (lambda c: c["annotations"][1].pop("bbox"), r"annotations\[1\] lacks bbox"),
        (lambda c: c["annotations"].append(5), r"annotations\[3\] lacks image_id, category_id, bbox"),
        (lambda c: c["annotations"][1].update(image_id=8), r"annotations\[1\] has image_id=8, which is not listed"),
        (lambda c: c["annotations"][0].update(category_id="2"), r"annotations\[0\] has category_id='2'"),
        (lambda c: c["images"][1].update(id=7), "the id 7 occurs twice among the images"),
        (lambda c: c["categories"][1].update(id=2), "the id 2 occurs twice among the categories"),
        (lambda c: c["annotations"][1].update(id=1), "the id 1 occurs twice among the annotations"),
        (lambda c: c["images"][1].update(id="x"), "images hold the id 'x': use whole numbers"),
    ],
)
def test_a_malformed_file_is_refused(content, tmp_path, change, reason):
    change(content)
    with pytest.raises(ValueError, match=reason):
        opened(tmp_path, content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"bbox": [1, 2, 3]}, r"annotation 1 has bbox=\[1, 2, 3\]: write four numbers"),
        ({"bbox": ["a", 2, 3, 4]}, "write four numbers"),
        ({"bbox": None}, "write four numbers"),
        ({"bbox": [1, 2, float("nan"), 4]}, "write four numbers"),
        ({"bbox": [1, 2, 0, 4]}, "without area"),
        ({"segmentation": [[1, 2, 3, 4, 5, 6, 7, "x"]]}, "write numbers"),
    ],
)
def test_a_malformed_annotation_is_named(content, tmp_path, change, reason):
    content["annotations"][0].update(change)
    source = opened(tmp_path, content)
    with pytest.raises(BadSampleError, match=reason) as error:
        source[0]
    assert error.value.origin == f"{tmp_path}/set.json (b.png)"
    assert source[1].label.boxes == ()


def test_boxes_of_another_version_of_the_picture_are_refused(content, tmp_path):
    content["images"][0].update(width=40, height=80)
    with pytest.raises(BadSampleError, match=r"has 80x40 pixels .*the file says 40x80"):
        opened(tmp_path, content)[0]


def test_no_json_is_refused(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match=r"a\.json is not JSON"):
        Coco(tmp_path / "a.json")
    with pytest.raises(FileNotFoundError, match=r"b\.json does not exist"):
        Coco(tmp_path / "b.json")
