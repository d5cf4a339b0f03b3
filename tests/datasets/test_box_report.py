"""Reports of pictures with boxes: statistics against counts by hand, and problems."""

import json

import numpy as np
import pytest

from datasets.box_report import CUT, REPEATED, holds_boxes, make_box_report
from datasets.mixture import Mixture
from datasets.needs import Needs
from datasets.quadrilaterals import rectangle
from datasets.sources import BadSampleError, Sample
from recog.codecs import BoxCodec, BoxLabel, LabelledBox
from recog.preprocess import Preprocess

PREPROCESS = Preprocess(height=20, width=40, channels=3)


class Labelled:
    """Pictures of noise, 80 pixels wide and 40 high, with these labels; None for one that cannot be read."""

    def __init__(self, *labels, same: bool = False):
        self._labels, self._same = labels, same

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: int) -> Sample:
        if self._labels[index] is None:
            raise BadSampleError(self.origin(index), "broken")
        random = np.random.default_rng(0 if self._same else index)
        return Sample(random.integers(0, 256, (40, 80, 3), dtype=np.uint8), self._labels[index], self.origin(index))

    def origin(self, index: int) -> str:
        return f"sample {index}"


def boxes(*rectangles: tuple[float, float, float, float], name: str = "plate", text: str = "") -> BoxLabel:
    return BoxLabel(tuple(LabelledBox(rectangle(*one), name, text) for one in rectangles))


def test_classes_numbers_and_sizes_are_counted():
    tilted = BoxLabel((LabelledBox(np.array([[10, 10], [30, 20], [25, 30], [5, 20]], np.float32), "car", "A1"),))
    found = make_box_report(Labelled(boxes((0, 0, 20, 10), (40, 20, 40, 20)), boxes(), tilted, None), PREPROCESS)
    assert (found.samples, found.seen, found.usable, found.boxes, found.with_text) == (4, 4, 3, 3, 1)
    assert (found.without_boxes, found.boxes_per_picture) == (1, {0: 1, 1: 1, 2: 1})
    assert found.classes == {"plate": 2, "car": 1}
    assert {kind: count for kind, count in found.problems.items() if count} == {"unreadable": 1}
    assert found.remarks == {}
    median = {name: values["median"] for name, values in found.sizes.items()}
    assert median == {
        "width of pictures in pixels": 80,
        "height of pictures in pixels": 40,
        "width of boxes in pixels": 25,
        "height of boxes in pixels": 20,
        "width of boxes as a share of the picture": 0.3125,
        "height of boxes as a share of the picture": 0.5,
    }
    assert found.tilt["maximum"] == pytest.approx(np.degrees(np.arctan(0.5)), abs=1e-3)
    np.testing.assert_allclose(found.places[0], [0.125, 0.125, 0.25, 0.25, 0])
    json.dumps(found.to_json(), allow_nan=False)
    assert "3 boxes in 3 pictures, 1.00 a picture, at most 2; 1 pictures without boxes" in "\n".join(found.summary())


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        (boxes((90, 0, 9, 9)), "box_outside_picture"),
        (boxes((0, 0, 0, 9)), "degenerate_box"),
        (BoxLabel((LabelledBox(np.full((4, 2), np.nan, np.float32), "plate"),)), "degenerate_box"),
        ("a text", "wrong_kind_of_label"),
    ],
)
def test_problems_that_any_detector_would_have(label, kind):
    found = make_box_report(Labelled(boxes((1, 2, 30, 10)), label), PREPROCESS)
    assert {kind: count for kind, count in found.problems.items() if count} == {kind: 1}
    assert found.examples[kind][0].origin == "sample 1"
    assert found.usable == 1
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("label", "remarks"),
    [
        (boxes((70, 5, 20, 9)), {CUT: 1}),
        (boxes((70, 5, 10.5, 9)), {}),
        (boxes((5, 5, 50, 20), (60, 5, 9, 9), (5, 6, 50, 20)), {REPEATED: 1}),
        (boxes((5, 5, 50, 20), (5, 5, 25, 20), (5, 8, 50, 20)), {}),
    ],
)
def test_boxes_to_look_at_again(label, remarks):
    found = make_box_report(Labelled(label), PREPROCESS)
    assert found.remarks == remarks
    assert found.usable == 1


def test_a_model_adds_its_classes_and_the_scaled_sizes():
    codec = BoxCodec(("plate", "bus"), most=1)
    needs = Needs(PREPROCESS, codec, codec.problems)
    source = Labelled(boxes((0, 0, 20, 10)), boxes((0, 0, 9, 9), (20, 0, 9, 9)), boxes((0, 0, 9, 9), name="car"))
    found = make_box_report(source, PREPROCESS, needs)
    assert {kind: count for kind, count in found.problems.items() if count} == {"label_too_long": 1, "unknown_class": 1}
    assert found.unseen == ("bus",)
    assert found.sizes["width of boxes in pixels of the scaled picture"]["maximum"] == 10


def test_equal_pictures_with_other_boxes_are_found():
    found = make_box_report(Labelled(boxes((0, 0, 9, 9)), boxes((0, 0, 9, 9)), boxes(), same=True), PREPROCESS)
    assert (found.duplicates.same_pixels, found.duplicates.other_label) == (2, 3)


def test_sources_are_told_apart_by_their_first_readable_sample():
    assert holds_boxes(Labelled(None, boxes(), "text"))
    assert not holds_boxes(Labelled(None, "text", boxes()))
    assert not holds_boxes(Labelled(None))
    assert holds_boxes(Mixture([Labelled(boxes()), Labelled(boxes())], [1, 1]))
