"""Sections of a report about a detector."""

from collections.abc import Callable
from functools import cached_property

import numpy as np

from launch.runs.box_tiles import detections, labelled, pairs_of
from launch.runs.evaluation_files import tile_of
from launch.runs.reporting.collecting import Collected
from launch.runs.reporting.figures import ACCENT, BAD, GOOD, INK, SECOND, Canvas, draw, in_percent, stairs
from launch.runs.reporting.markup import Column, Html, Table, figure, joined, paragraphs, percent, plural, table, tag
from launch.runs.reporting.rates import Rate
from launch.runs.reporting.samples import SHOWN, Chosen, card, cards, drawn_at_random
from launch.runs.reporting.section import Section
from recog.metrics import BoxCounts
from recog.metrics.average_precision import THRESHOLDS
from recog.metrics.boxes import THRESHOLD, Matched
from recog.metrics.plates import Pair
from recog.rectangles import bounds

SCORES = tuple(round(0.1 * step, 1) for step in range(1, 10))
"""Minimum scores of the table."""
COLOURS = (ACCENT, SECOND, GOOD, BAD)
"""Colours of the curves, of at most as many classes."""
SIZES = ((0, 32, "below 32 pixels"), (32, 96, "32 to 96 pixels"), (96, np.inf, "above 96 pixels"))
"""Classes of COCO by the square root of the area, in pixels of the model's input."""
SIZE_NOTE = "Square roots of areas, in pixels of the picture as the model takes it."
"""Explanation of the table of sizes."""


class Boxes:
    """Labelled objects and detections of all pictures, matched."""

    def __init__(self, collected: Collected):
        self.collected = collected

    @cached_property
    def pairs(self) -> list[list[Pair]]:
        """Labelled objects with their detections, and false alarms, of each picture."""
        predictions = [item.prediction for item in self.collected.items]
        return [pairs_of(labelled(p.label), detections(p.text)) for p in predictions]

    @property
    def matched(self) -> Matched:
        """Detections of all scores."""
        assert isinstance(self.collected.counts, BoxCounts)
        return self.collected.counts.matched

    def rates(self) -> list[Rate]:
        """Rates of a detector at the usual minimum score, the most important first."""
        objects, found, alarms = (
            np.array([sum(test(pair) for pair in pairs) for pairs in self.pairs], float)
            for test in (_is_labelled, _is_found, _is_alarm)
        )
        ones = np.ones(len(self.pairs))
        at = f"at a score of at least {THRESHOLD:g} and an intersection over union of at least 0.5"
        return [
            Rate("recall_50", "found", f"Labelled objects that are found, {at}.", found, objects),
            Rate("precision_50", "precision", "Detections that are labelled objects.", found, found + alarms),
            Rate(
                "false_alarms_per_picture",
                "false alarms per picture",
                "Detections of nothing that is labelled.",
                alarms,
                ones,
                lambda value: f"{value:.3f}",
            ),
            Rate(
                "pictures_right",
                "pictures without mistake",
                "Pictures whose objects are all found, and nothing else.",
                self.collected.right.astype(float),
                ones,
            ),
        ]


def _is_labelled(pair: Pair) -> bool:
    return pair.label is not None


def _is_found(pair: Pair) -> bool:
    return pair.label is not None and pair.found is not None


def _is_alarm(pair: Pair) -> bool:
    return pair.label is None


def detection_section(boxes: Boxes) -> Section:
    """Precision-recall curves, rates by minimum score, and recall by size."""
    report = boxes.collected.counts.report()
    names, matched = boxes.collected.subject.codec.class_names, boxes.matched
    drawing = draw("precision and recall", _precision_recall(names, matched), (4.7, 4.0))
    scores, sizes = _by_score(matched), _by_size(boxes)
    best = max(scores.rows, key=lambda row: row[3])
    sentence = (
        f"COCO's average precision is {percent(report['ap'])}, the mean over intersections over union (IoU) of 0.5 to "
        f"0.95; it is {percent(report['ap_50'])} at 0.5 and {percent(report['ap_75'])} at 0.75. The F1 is highest at a "
        f"minimum score of {best[0]:g}, where {percent(best[1])} are found and {percent(best[2])} of the detections "
        "are right."
    )
    caption = "Precision against recall as the minimum score falls; solid at an IoU of 0.5, dotted at 0.75."
    side = tag(
        "div",
        tag("h3", "By minimum score"),
        table(scores),
        tag("h3", "By size of the object"),
        tag("p", SIZE_NOTE, class_="quiet"),
        table(sizes),
    )
    content = joined([paragraphs([sentence]), tag("div", figure(drawing.svg, caption), side, class_="figures")])
    data = report | {"by_score": _named(scores), "by_size": _named(sizes)}
    tables, pngs = {"by_score": scores, "by_size": sizes}, {"precision_recall": drawing.png}
    return Section("detection", "Detection", content, data, tables, pngs, [_brief(boxes)])


def _named(content: Table) -> list[dict[str, float]]:
    return [dict(zip((column.title for column in content.columns), row, strict=True)) for row in content.rows]


def _brief(boxes: Boxes) -> str:
    alarms, right = sum(_is_alarm(pair) for pairs in boxes.pairs for pair in pairs), int(boxes.collected.right.sum())
    pictures = plural(len(boxes.pairs), "picture")
    return f"{plural(alarms, 'false alarm')} in {pictures}, of which {right:,} are without any mistake."


def _by_score(matched: Matched) -> Table:
    columns = [
        Column("score ≥", lambda score: f"{score:.1f}", True),
        Column("found", percent, True),
        Column("precision", percent, True),
        Column("F1", percent, True),
        Column("false alarms", lambda value: f"{value:.3f}", True),
    ]
    rows, objects = [], len(matched.labelled)
    for score in SCORES:
        counted = matched.scores >= score
        number, right = int(counted.sum()), int((matched.right[0] & counted).sum())
        alarms = (number - right) / max(matched.pictures, 1)
        rows.append(
            [score, right / max(objects, 1), right / max(number, 1), 2 * right / max(objects + number, 1), alarms]
        )
    return Table(columns, rows)


def _by_size(boxes: Boxes) -> Table:
    sides, found = [], []
    for item, pairs in zip(boxes.collected.items, boxes.pairs, strict=True):
        objects = labelled(item.prediction.label).boxes
        left, top, right, bottom = bounds(np.array([box.corners for box in objects]).reshape(-1, 4, 2)).T
        sides += np.sqrt(np.maximum((right - left) * (bottom - top), 0)).tolist()
        found += [_is_found(pair) for pair in pairs if _is_labelled(pair)]
    columns = [Column("size"), Column("objects", lambda count: f"{count:,}", True), Column("found", percent, True)]
    rows = []
    for low, high, name in SIZES:
        own = [hit for side, hit in zip(sides, found, strict=True) if low <= side < high]
        if own:
            rows.append([name, len(own), sum(own) / len(own)])
    return Table(columns, rows)


def _precision_recall(names: tuple[str, ...], matched: Matched) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes
        for place, colour in zip(np.unique(matched.labelled), COLOURS, strict=False):
            own, objects = matched.classes == place, int((matched.labelled == place).sum())
            for overlap, style in ((0.5, "-"), (0.75, ":")):
                recall, precision = _curve(matched, own, objects, int(np.abs(THRESHOLDS - overlap).argmin()))
                label = canvas.named(names[place], "") if style == "-" else None
                axes.plot(stairs(recall), stairs(precision), style, color=colour, label=label)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.02))
        if len(names) > 1:
            axes.legend(loc="lower left")
        axes.axhline(1, color=INK, linewidth=0.5)
        in_percent(axes.xaxis, axes.yaxis)

    return paint


def _curve(matched: Matched, own: np.ndarray, objects: int, threshold: int) -> tuple[np.ndarray, np.ndarray]:
    order = np.argsort(-matched.scores[own], kind="stable")
    right = np.cumsum(matched.right[threshold, own][order])
    return right / max(objects, 1), right / np.arange(1, len(right) + 1)


def box_samples(boxes: Boxes) -> Section:
    """Pictures with missed objects, with false alarms, and random ones."""
    collected, preprocess = boxes.collected, boxes.collected.subject.settings.preprocess
    missed = [
        place for place, pairs in enumerate(boxes.pairs) if any(_is_labelled(p) and not _is_found(p) for p in pairs)
    ]
    alarms = [place for place, pairs in enumerate(boxes.pairs) if any(map(_is_alarm, pairs)) and place not in missed]
    chosen: Chosen = {
        "Missed objects": ("Green: labelled. Magenta: found.", missed[:SHOWN]),
        "False alarms": ("Pictures whose objects are all found, with something else.", alarms[:SHOWN]),
        "Random samples": ("Drawn from all pictures, right or wrong.", drawn_at_random(len(boxes.pairs)).tolist()),
    }

    def shown(index: int) -> Html:
        item, pairs = collected.items[index], boxes.pairs[index]
        objects, found, extra = (sum(map(test, pairs)) for test in (_is_labelled, _is_found, _is_alarm))
        rows = [("found", f"{found} of {objects}"), ("false alarms", str(extra))]
        tile = tile_of(item.split.samples, item.prediction, preprocess)
        return card(item, [(name, tag("span", value)) for name, value in rows], pixels=tile.image)

    return Section("samples", "Samples", cards(chosen, shown))
