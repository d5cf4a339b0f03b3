"""Crops of objects: each with its text, upright, and on one side of a split with its picture."""

import cv2
import numpy as np
import pytest

from datasets.crops_source import LEAST, Crops
from datasets.sources import BadSampleError, Sample
from datasets.specs import open_source
from recog.codecs import BoxLabel, LabelledBox
from recog.rectify import rectify

QUAD = np.array([[30, 40], [90, 30], [92, 52], [32, 62]], np.float32)
PICTURE = np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)


class Pictures:
    """Three pictures: of two objects with a text and one without, one that cannot be read, and none with a text."""

    labels = (
        BoxLabel((LabelledBox(QUAD, "plate", "A1"), LabelledBox(QUAD, "car"), LabelledBox(QUAD + 5, "plate", "B2"))),
        None,
        BoxLabel((LabelledBox(QUAD, "car"),)),
    )

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            raise BadSampleError("picture 1", "cannot be read")
        encoded = cv2.imencode(".png", PICTURE[..., ::-1])[1].tobytes()
        return Sample(encoded, self.labels[index], self.origin(index))

    def origin(self, index):
        return f"picture {index}"

    def key(self, index):
        return f"k{index}".encode()

    def group(self, index):
        return f"g{index}".encode()


def test_each_object_with_a_text_is_a_sample():
    crops = Crops(Pictures())
    assert len(crops) == 3
    assert [crops[index].label for index in (0, 1)] == ["A1", "B2"]
    np.testing.assert_array_equal(crops[0].image, rectify(PICTURE, QUAD.astype(float), LEAST))
    assert np.shape(crops[0].image)[0] == LEAST
    assert [crops.origin(0), crops.origin(1)] == ["picture 0 object 0", "picture 0 object 2"]
    assert [crops.key(0), crops.key(1), crops.group(1)] == [b"k0#0", b"k0#2", b"g0"]


def test_a_picture_that_cannot_be_read_is_reported_when_loaded():
    with pytest.raises(BadSampleError, match="cannot be read"):
        Crops(Pictures())[2]


def test_an_object_seen_in_perspective_becomes_upright():
    drawn = np.zeros((40, 120, 3), np.uint8)
    drawn[:, :60], drawn[20:, 60:] = (255, 0, 0), (0, 255, 0)
    corners = np.array([[20, 20], [110, 40], [100, 80], [15, 50]], np.float32)
    matrix = cv2.getPerspectiveTransform(
        np.array([[0, 0], [120, 0], [120, 40], [0, 40]], np.float32) - 0.5, corners - 0.5
    )
    picture = cv2.warpPerspective(drawn, matrix, (130, 100))
    crop = rectify(picture, corners.astype(float), 32, margin=0.0)
    height, width = crop.shape[:2]
    assert crop[height // 4, width // 4].tolist() == [255, 0, 0]
    assert crop[3 * height // 4, 3 * width // 4].tolist() == [0, 255, 0]
    assert crop[height // 4, 3 * width // 4].tolist() == [0, 0, 0]


def test_sources_without_boxes_or_texts_are_refused(tmp_path):
    class Texts(Pictures):
        def __getitem__(self, index):
            return Sample(PICTURE, "A1", self.origin(index))

    class Bare(Pictures):
        def __getitem__(self, index):
            return Sample(PICTURE, BoxLabel((LabelledBox(QUAD, "car"),)), self.origin(index))

    with pytest.raises(ValueError, match=r"picture 0: the label is str, not boxes"):
        Crops(Texts())
    with pytest.raises(ValueError, match="none of the 3 pictures has an object with a text"):
        Crops(Bare())
    for kind in ("crops", "replated"):
        with pytest.raises(ValueError, match=f"{kind} needs stored pictures, such as {kind}:boxes:FOLDER"):
            open_source(f"{kind}:scenes:count=3")


def test_a_specification_names_the_pictures(tmp_path):
    (tmp_path / "a.png").write_bytes(cv2.imencode(".png", PICTURE)[1].tobytes())
    (tmp_path / "boxes.tsv").write_text("a.png\tA1\t" + " ".join(f"{x},{y}" for x, y in QUAD.tolist()) + "\n")
    assert open_source(f"crops:boxes:{tmp_path}")[0].label == "A1"
    assert len(open_source(f"replated:boxes:{tmp_path}")) % 32 == 0
