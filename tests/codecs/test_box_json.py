"""Box labels as JSON: every bit of the corners comes back, and other texts are refused."""

import json

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from recog.codecs import BoxLabel, LabelledBox, boxes_from_json, boxes_to_json

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
boxes = st.builds(LabelledBox, arrays.arrays(np.float32, (4, 2), elements=finite), st.text(), st.text())


@hypothesis.given(st.lists(boxes, max_size=3))
def test_every_bit_comes_back(several):
    back = boxes_from_json(boxes_to_json(BoxLabel(tuple(several))).encode())
    assert [box[1:] for box in back.boxes] == [box[1:] for box in several]
    for box, known in zip(back.boxes, several, strict=True):
        assert box.corners.dtype == np.float32
        assert box.corners.tobytes() == known.corners.tobytes()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a text",
        "{}x",
        "3",
        '["plate"]',
        json.dumps([{"name": "plate", "text": ""}]),
        json.dumps([{"name": "plate", "text": "", "corners": [[0, 0], [1, 0], [1, 1]]}]),
        json.dumps([{"name": "plate", "text": "", "corners": [[0, 0], [1, 0], [1, 1], [0, "x"]]}]),
        json.dumps([{"name": "plate", "text": "", "corners": [[0, 0], [1, 0], [1, 1], [0, float("nan")]]}]),
        json.dumps([{"name": 1, "text": "", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]]}]),
        json.dumps([{"name": "plate", "text": "", "corners": [[0, 0], [1, 0], [1, 1], [0, 1]], "score": 1}]),
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValueError, match="name, text and corners"):
        boxes_from_json(text)


def test_corners_that_are_not_finite_are_refused():
    corners = np.full((4, 2), np.inf, np.float32)
    with pytest.raises(ValueError, match="JSON"):
        boxes_to_json(BoxLabel((LabelledBox(corners, "plate"),)))
