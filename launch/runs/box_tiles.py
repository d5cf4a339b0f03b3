"""Tiles of contact sheets with labelled objects and detections outlined on their photograph."""

import json
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from recog.codecs import BoxLabel, LabelledBox
from recog.evaluation.contact_sheet import Tile
from recog.metrics.plates import Pair, pair_plates
from recog.outlines import outlined
from recog.rectangles import bounds

LABELLED, FOUND = (0, 200, 60), (255, 0, 200)
"""RGB colours of outlines."""


def outlined_twice(
    picture: UInt8[np.ndarray, "H W C"], label: BoxLabel, found: Sequence[LabelledBox]
) -> UInt8[np.ndarray, "Y X 3"]:
    """Photograph with labelled objects outlined in one colour and detections in another, both in its pixels."""
    shown = outlined(picture, label, LABELLED)
    factors = np.array(shown.shape[1::-1]) / picture.shape[1::-1]  # x, y
    scaled = tuple(box._replace(corners=(box.corners * factors).astype(np.float32)) for box in found)
    return outlined(shown, BoxLabel(scaled), FOUND)


def detections(text: str) -> list[LabelledBox]:
    """Parses detections as `recog.codecs.BoxCodec.readings` shows them, best first."""
    return [LabelledBox(np.array(row["corners"], np.float32), row["class"]) for row in json.loads(text)]


def labelled(text: str) -> BoxLabel:
    """Parses a label as `BoxLabel.__str__` writes it."""
    return BoxLabel(tuple(LabelledBox(np.array(corners, np.float32), *named) for *named, corners in json.loads(text)))


def is_right(label: str, text: str) -> bool:
    """Whether all objects of a label, as `BoxLabel.__str__` writes it, are among the detections, and nothing else."""
    pairs = pairs_of(labelled(label), detections(text))
    return all(pair.label is not None and pair.found is not None for pair in pairs)


def pairs_of(label: BoxLabel, found: Sequence[LabelledBox]) -> list[Pair]:
    """Matches labelled objects and detections, best first, by the rectangles around their corners."""
    names = sorted({box.name for box in (*label.boxes, *found)})
    own, theirs = (np.array([box.corners for box in boxes]).reshape(-1, 4, 2) for boxes in (label.boxes, found))
    kinds, others = (np.array([names.index(box.name) for box in boxes], int) for boxes in (label.boxes, found))
    return pair_plates(own, kinds, bounds(theirs), others, -np.arange(len(found), dtype=float))


def box_tile(picture: UInt8[np.ndarray, "H W C"], label: BoxLabel, found: Sequence[LabelledBox]) -> Tile:
    """Tile that counts the objects found and the false alarms; its caption is green if there is no mistake."""
    pairs, boxes = pairs_of(label, found), len(label.boxes)
    hits = sum(pair.label is not None and pair.found is not None for pair in pairs)
    alarms = sum(pair.label is None for pair in pairs)
    text = f"{hits} of {boxes} found" + (f", {alarms} false alarm{'s' * (alarms > 1)}" if alarms else "")
    return Tile(outlined_twice(picture, label, found), text, f"{boxes} of {boxes} found")
