"""Box labels as JSON, for files that store them: a list of ``{"name": ..., "text": ..., "corners": [[x, y], ...]}``."""

import json

import numpy as np

from recog.codecs.boxes import BoxLabel, LabelledBox


def boxes_to_json(label: BoxLabel) -> str:
    """Writes a label as JSON without rounding: `boxes_from_json` returns the same float32 corners, bit by bit.

    Raises:
      ValueError: a corner is not finite.
    """
    rows = [box._replace(corners=np.asarray(box.corners, np.float32).tolist())._asdict() for box in label.boxes]
    return json.dumps(rows, ensure_ascii=False, allow_nan=False)


def boxes_from_json(text: str | bytes) -> BoxLabel:
    """Parses the form that `boxes_to_json` writes.

    Raises:
      ValueError: the text has another form.
    """
    try:
        return BoxLabel(tuple(_parse_box(**row) for row in json.loads(text)))
    except (TypeError, ValueError) as error:
        raise ValueError(f"not a list of boxes with name, text and corners: {error}") from error


def _parse_box(name: str, text: str, corners: list[list[float]]) -> LabelledBox:
    points = np.array(corners, np.float32)
    if points.shape != (4, 2) or not np.isfinite(points).all():
        raise ValueError(f"expected four corners of finite x and y, found {corners}")
    if not (isinstance(name, str) and isinstance(text, str)):
        raise TypeError(f"expected texts as name and text, found {name!r} and {text!r}")
    return LabelledBox(points, name, text)
