"""Report of a set of pictures with boxes in one pass: classes, numbers and sizes of boxes, duplicates and problems."""

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Float32
from tqdm import tqdm

from datasets.duplicates import SPELT_OUT, Digests, Duplicates, Named
from datasets.looks import Look, examine
from datasets.needs import Needs
from datasets.once import Once
from datasets.quadrilaterals import overlap, tilt
from datasets.report import LOOK_AT_RENDERED, UNREADABLE
from datasets.sources import BadSampleError, Source
from recog.codecs import BoxCodec, BoxLabel, LabelledBox, Problems
from recog.codecs.boxes import DEGENERATE, OUTSIDE_PICTURE
from recog.preprocess import Preprocess

CUT, REPEATED = "cut_by_the_border", "overlapping_boxes"
PROBLEMS = (UNREADABLE, DEGENERATE, OUTSIDE_PICTURE)
"""Kinds of problems that are always reported, even if none is found."""
SAME = 0.9
"""Intersection over union above which two boxes of one picture are probably one object, labelled twice."""
BEYOND = 1.0
"""Pixels that a box may reach beyond the picture without a remark, for rounding."""
PERCENTILES = {"minimum": 0, "5 %": 5, "median": 50, "95 %": 95, "maximum": 100}


class BoxReport(NamedTuple):
    """Statistics of a set of pictures with boxes. Unreadable samples only count as a problem."""

    samples: int
    """Number of samples in the source, or in all parts of a mixture."""
    seen: int
    """Number of samples examined, which excludes later samples of rendered sources."""
    usable: int
    """Number of samples without any problem."""
    without_boxes: int
    """Number of pictures without boxes."""
    boxes: int
    with_text: int
    """Number of boxes with a text."""
    boxes_per_picture: dict[int, int]
    """Number of pictures by number of boxes."""
    classes: dict[str, int]
    """Number of boxes by class name, commonest first."""
    unseen: tuple[str, ...]
    """Class names of the model that occur in no label."""
    sizes: dict[str, dict[str, float]]
    """Percentiles of sizes, by their names: of pictures and boxes in pixels, of boxes as shares of their picture, and
    in pixels of the scaled picture for a model; widths and heights are those of the upright rectangle around a box."""
    tilt: dict[str, float]
    """Percentiles of the angle between a box's top side and the horizontal in degrees, positive when clockwise."""
    problems: dict[str, int]
    """Number of samples by kind of problem; a sample can have several."""
    remarks: dict[str, int]
    """Number of usable samples by kind of remark."""
    examples: dict[str, list[Named]]
    """First samples with each kind of problem or remark."""
    duplicates: Duplicates
    """Groups of equal pictures."""
    places: Float32[np.ndarray, "N 5"]
    """Centre x and y, width and height of each box as shares of its picture, and its tilt in degrees."""

    def to_json(self) -> dict[str, Any]:
        """All fields except the places, for JSON."""
        fields = self._asdict() | {"duplicates": self.duplicates._asdict()}
        del fields["places"]
        fields["examples"] = {kind: [named._asdict() for named in found] for kind, found in self.examples.items()}
        fields["duplicates"]["groups"] = [[named._asdict() for named in group] for group in self.duplicates.groups]
        return fields

    def summary(self) -> list[str]:
        """Summary in a few lines of text."""
        rendered = " (the first of rendered sources)" if self.seen < self.samples else ""
        lines = [f"{self.seen:,} of {self.samples:,} samples looked at{rendered}, {self.usable:,} can be used"]
        for kind, count in (self.problems | self.remarks).items():
            if count:
                first = self.examples[kind][0]
                lines.append(f"{kind.replace('_', ' ')}: {count:,}, such as {first.origin}: {first.text}")
        if pictures := sum(self.boxes_per_picture.values()):
            most = max(self.boxes_per_picture)
            lines.append(
                f"{self.boxes:,} boxes in {pictures:,} pictures, {self.boxes / pictures:.2f} a picture, at most {most}"
                f"; {self.without_boxes:,} pictures without boxes, {self.with_text:,} boxes with a text"
            )
        if self.boxes:
            lines.append(f"classes: {', '.join(f'{name} {count:,}' for name, count in self.classes.items())}")
        if self.unseen:
            lines.append(f"classes without a box: {', '.join(self.unseen)}")
        spread = self.sizes | ({"tilt in degrees": self.tilt} if self.tilt else {})
        if spread:
            lines.append(f"{', '.join(PERCENTILES)} of:")
            lines += [f"  {name}: {', '.join(f'{x:.3g}' for x in values.values())}" for name, values in spread.items()]
        return [*lines, self.duplicates.summary()]


def make_box_report(
    source: Source,
    preprocess: Preprocess,
    needs: Needs | None = None,
    *,
    rendered: int = LOOK_AT_RENDERED,
    progress: str | None = None,
) -> BoxReport:
    """Examines every sample once, but only the first samples of rendered sources, which are practically endless.

    Args:
      source: source to examine. Parts of a mixture count by their samples, not by their weights.
      preprocess: preprocessing of the pictures.
      needs: requirements of a detector; None detects only problems that do not depend on a model.
      rendered: number of samples of a rendered source to examine.
      progress: title of a progress bar; None shows none.

    Raises:
      ValueError: the source holds no sample.
    """
    once = Once(source, rendered)
    if not len(once):
        raise ValueError("the source holds no sample to report: check its path and settings")
    tally = _Tally(needs)
    looks = tqdm(examine(once, preprocess, needs), progress, len(once), disable=progress is None, leave=False)
    for index, look in enumerate(looks):
        tally.add(once.origin(index), index, look)
    return tally.report(once)


def holds_boxes(source: Source) -> bool:
    """Whether the label of the first readable sample is boxes."""
    for index in range(len(source)):
        try:
            return isinstance(source[index].label, BoxLabel)
        except BadSampleError:
            continue
    return False


class _Tally:
    """Counts of samples, which need not be kept themselves."""

    def __init__(self, needs: Needs | None):
        self._needs = needs
        self._pictures: list[tuple[int, int]] = []
        self._boxes: list[tuple[float, ...]] = []
        self._scaled: list[tuple[float, float]] = []
        self._classes, self._numbers = Counter[str](), Counter[int]()
        self._problems, self._remarks = Counter[str](), Counter[str]()
        self._examples: dict[str, list[Named]] = {}
        self._readable = Digests()
        self._seen = self._bad = self._texts = 0

    def add(self, origin: str, index: int, look: Look | BadSampleError) -> None:
        """Counts one sample."""
        self._seen += 1
        if isinstance(look, BadSampleError):
            found, remarks = {UNREADABLE: look.reason}, {}
        else:
            self._readable.add(index, look.pixels, look.file, look.digest)
            found = self._needs.problems(look.label, look.size) if self._needs else _own_problems(look)
            if isinstance(look.label, BoxLabel):
                self._count(look.label, look.size)
            remarks = {} if found else look.remarks | _remarks(look.label, look.size)
        self._bad += bool(found)
        self._problems.update(found.keys())
        self._remarks.update(remarks.keys())
        for kind, reason in (found | remarks).items():
            examples = self._examples.setdefault(kind, [])
            if len(examples) < SPELT_OUT:
                examples.append(Named(origin, reason))

    def _count(self, label: BoxLabel, size: tuple[int, int]) -> None:
        """Counts a picture's boxes and keeps their sizes."""
        height, width = size
        self._pictures.append((width, height))
        self._numbers[len(label.boxes)] += 1
        for box in label.boxes:
            self._classes[box.name] += 1
            self._texts += bool(box.text)
            left, top, right, bottom = _bounds(box)
            if np.isfinite(box.corners).all():
                place = (left + right) / 2 / width, (top + bottom) / 2 / height
                self._boxes.append((width, height, right - left, bottom - top, *place, tilt(box.corners)))
                if self._needs:
                    down, across = self._needs.preprocess.scaled_size(height, width)
                    self._scaled.append(((right - left) * across / width, (bottom - top) * down / height))

    def report(self, source: Once) -> BoxReport:
        """Report of the samples counted, which must be those of ``source``."""
        boxes = np.array(self._boxes, np.float64).reshape(-1, 7)
        shares = boxes[:, 2:4] / boxes[:, :2]
        tables = {
            "of pictures in pixels": np.array(self._pictures, np.float64).reshape(-1, 2),
            "of boxes in pixels": boxes[:, 2:4],
            "of boxes as a share of the picture": shares,
            "of boxes in pixels of the scaled picture": np.array(self._scaled, np.float64).reshape(-1, 2),
        }
        known = self._needs.codec.units if self._needs else ()
        return BoxReport(
            samples=source.samples,
            seen=self._seen,
            usable=self._seen - self._bad,
            without_boxes=self._numbers[0],
            boxes=self._classes.total(),
            with_text=self._texts,
            boxes_per_picture={number: count for number, count in sorted(self._numbers.items()) if count},
            classes=dict(sorted(self._classes.items(), key=lambda item: (-item[1], item[0]))),
            unseen=tuple(name for name in known if name not in self._classes),
            sizes={
                f"{side} {name}": percentiles(table[:, column])
                for name, table in tables.items()
                if len(table)
                for column, side in enumerate(("width", "height"))
            },
            tilt=percentiles(boxes[:, 6]) if len(boxes) else {},
            problems=dict.fromkeys(PROBLEMS, 0) | self._problems,
            remarks=dict(self._remarks),
            examples=self._examples,
            duplicates=self._readable.duplicates(source),
            places=np.hstack([boxes[:, 4:6], shares, boxes[:, 6:]]).astype(np.float32),
        )


def _own_problems(look: Look) -> Problems:
    """Problems that any detector would have with a sample."""
    boxes = look.label.boxes if isinstance(look.label, BoxLabel) else ()
    names = tuple({box.name for box in boxes if box.name}) or ("object",)
    longest = max((len(box.text) for box in boxes), default=0)
    return BoxCodec(names, most=len(boxes), max_length=longest).problems(look.label, look.size)


def _remarks(label: BoxLabel, size: tuple[int, int]) -> Problems:
    """Reasons to look at a picture's boxes again, by kind."""
    height, width = size
    found: Problems = {}
    for number, box in enumerate(label.boxes):
        left, top, right, bottom = _bounds(box)
        if min(left, top) < -BEYOND or right > width + BEYOND or bottom > height + BEYOND:
            found.setdefault(CUT, f"box {number} reaches beyond the picture of {width}x{height} pixels")
    for one, other in _near(np.array([_bounds(box) for box in label.boxes]).reshape(-1, 4)):
        shared = overlap(label.boxes[one].corners, label.boxes[other].corners)
        if shared > SAME:
            reason = f"boxes {one} and {other} overlap by {shared:.2f}: remove one if they are one object"
            found.setdefault(REPEATED, reason)
    return found


def _near(bounds: Float[np.ndarray, "N 4"]) -> Iterator[tuple[int, int]]:
    """Pairs of boxes whose upright rectangles share more than half of the larger one's area."""
    areas = np.prod(bounds[:, 2:] - bounds[:, :2], axis=1)
    for one in range(len(bounds) - 1):
        others = bounds[one + 1 :]
        shared = np.minimum(bounds[one, 2:], others[:, 2:]) - np.maximum(bounds[one, :2], others[:, :2])
        near = np.prod(np.maximum(shared, 0), axis=1) > np.maximum(areas[one], areas[one + 1 :]) / 2
        yield from ((one, one + 1 + other) for other in np.flatnonzero(near).tolist())


def _bounds(box: LabelledBox) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the upright rectangle around a box."""
    (left, top), (right, bottom) = box.corners.min(axis=0).tolist(), box.corners.max(axis=0).tolist()
    return left, top, right, bottom


def percentiles(values: Float[np.ndarray, " N"]) -> dict[str, float]:
    """Some percentiles of one or more values, by their names."""
    return dict(zip(PERCENTILES, np.percentile(values, list(PERCENTILES.values())).round(4).tolist(), strict=True))
