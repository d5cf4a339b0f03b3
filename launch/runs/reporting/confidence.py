"""Section of a report about confidences: whether they are right, and how much can be read at a wanted accuracy."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from launch.runs.reporting.figures import ACCENT, BAD, INK, SECOND, Canvas, draw, in_percent, stairs
from launch.runs.reporting.markup import Column, Table, figure, joined, paragraphs, percent, plural, table, tag
from launch.runs.reporting.rates import FEW
from launch.runs.reporting.section import Section
from recog.evaluation.calibration import Temperature
from recog.evaluation.reliability import reliability
from recog.evaluation.selective import Operating, Selective, curve, threshold_for
from recog.metrics.reliability import BINS, Reliability

WANTED = (0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 1.0)
"""Accuracies of the table of thresholds."""
THRESHOLDS = (
    "Of confidences as the model gives them, without the temperature. They are chosen by these pictures, so other "
    "pictures may come out a little worse."
)
"""Explanation of the table of thresholds."""
DIGITS = 4
"""Minimum number of decimals of a threshold."""


class Calibration(NamedTuple):
    """A temperature fitted to some samples, and the confidences of the report's samples with it."""

    temperature: Temperature
    confidences: Float[np.ndarray, " N"]
    fitted_to: str
    """Samples that it was fitted to."""
    number: int
    """Number of these."""
    same: bool
    """Whether they are the samples of the report, which makes the result look better than it is."""


class Confident(NamedTuple):
    """Confidences of a report's samples."""

    confidences: Float[np.ndarray, " N"]
    right: Bool[np.ndarray, " N"]
    verb: str
    """Verb for predictions: ``read`` or ``classified``."""


def confidence_section(found: Confident, calibration: Calibration, wanted: float) -> Section:
    """Reliability, temperature, and accuracy against the share that is read.

    Args:
      found: confidences, and whether the predictions are right.
      calibration: temperature for these confidences.
      wanted: accuracy for which the first sentence gives the threshold, 0 to 1.
    """
    before = reliability(found.confidences, found.right)
    after = reliability(calibration.confidences, found.right)
    selective = curve(found.confidences, found.right)
    thresholds = _thresholds(selective, wanted)
    diagram = draw("reliability", _reliability(before, after), (4.7, 4.2), (3, 1))
    coverage = draw("accuracy against share read", _coverage(selective, wanted, found.verb), (4.7, 4.2))
    advice = threshold_sentence(selective, wanted, found.verb)
    figures = [
        figure(
            diagram.svg, "Bars: share of right predictions by confidence. On the dashed line confidences are right."
        ),
        figure(coverage.svg, f"Leaving out the least confident pictures raises the accuracy of what is {found.verb}."),
    ]
    content = joined(
        [
            paragraphs([_error_sentence(before, after, calibration), advice]),
            tag("div", *figures, class_="figures"),
            tag("h3", "Thresholds of the confidence"),
            tag("p", THRESHOLDS, class_="quiet"),
            table(thresholds),
        ]
    )
    data = {
        "ece": before.error,
        "ece_with_temperature": after.error,
        "temperature": calibration.temperature._asdict()
        | {"fitted_to": calibration.fitted_to, "count": calibration.number},
        "aurc": selective.area,
        "thresholds": [dict(zip(("wanted", *Operating._fields), row[:4], strict=True)) for row in thresholds.rows],
        "bins": [
            {"count": count, "right": right, "confidence": float(total) / count}
            for count, right, total in zip(*before, strict=True)
            if count
        ],
    }
    pngs = {"reliability": diagram.png, "accuracy_by_share": coverage.png}
    return Section("confidence", "Confidence", content, data, {"thresholds": thresholds}, pngs, [advice])


def threshold_sentence(selective: Selective, wanted: float, verb: str) -> str:
    """Threshold for a wanted accuracy and the share of pictures that it leaves."""
    place = typed_threshold_for(selective, wanted)
    if place is None:
        best = typed_threshold_for(selective, float(selective.accuracy.max(initial=0)))
        if best is None or best.accuracy == 0:
            return f"Nothing is {verb} right, at any confidence."
        at = f"{percent(best.accuracy)} at confidence ≥ {_typed(best.threshold)}"
        return (
            f"No threshold of the confidence makes {percent(wanted)} of what is {verb} right; the best is {at}, for "
            f"{percent(best.coverage, 0)} of the pictures."
        )
    if place.coverage == 1:
        return f"{percent(place.accuracy)} of all pictures are {verb} right, so {percent(wanted)} needs no threshold."
    return (
        f"{percent(place.accuracy)} of what is {verb} at confidence ≥ {_typed(place.threshold)} is right; that is "
        f"{percent(place.coverage, 0)} of the pictures."
    )


def typed_threshold_for(selective: Selective, accuracy: float) -> Operating | None:
    """The point of `threshold_for`, its threshold with no more decimals than accept the same samples and no others."""
    place = threshold_for(selective, accuracy)
    if place is None:
        return None
    lower = selective.thresholds[selective.thresholds < place.threshold].max(initial=-1)
    rounded = (np.floor(place.threshold * 10.0**digits) / 10.0**digits for digits in range(DIGITS, 18))
    fitting = (float(threshold) for threshold in rounded if lower < threshold <= place.threshold)
    return place._replace(threshold=next(fitting, place.threshold))


def _typed(threshold: float) -> str:
    return np.format_float_positional(threshold, min_digits=DIGITS)


def _error_sentence(before: Reliability, after: Reliability, calibration: Calibration) -> str:
    mean = float(sum(before.confidence)) / max(sum(before.counts), 1)
    accuracy = sum(before.right) / max(sum(before.counts), 1)
    gap = "too high" if mean > accuracy else "too low"
    few = f"; {FEW} or more give one to rely on" if calibration.number < FEW else ""
    fitted = (
        "fitted to these samples themselves, which flatters it"
        if calibration.same and not few
        else f"fitted to {plural(calibration.number, 'sample')} of {calibration.fitted_to}{few}"
    )
    return (
        f"The mean confidence is {percent(mean)}, the accuracy {percent(accuracy)}: confidences are {gap} by "
        f"{100 * abs(mean - accuracy):.1f} points overall, and off by {100 * before.error:.1f} points on average over "
        f"bins (ECE). With the temperature {calibration.temperature.value:.3g}, {fitted}, the ECE is "
        f"{100 * after.error:.1f} points."
    )


def _thresholds(selective: Selective, wanted: float) -> Table:
    columns = [
        Column("wanted accuracy", percent, True),
        Column("confidence ≥", _typed, True),
        Column("share of pictures", percent, True),
        Column("accuracy", percent, True),
        Column("left out", percent, True),
    ]
    rows = []
    for accuracy in sorted({*WANTED, wanted}):
        place = typed_threshold_for(selective, accuracy)
        rows.append([accuracy, *(place or (None, None, None)), None if place is None else 1 - place.coverage])
    return Table(columns, rows)


def _reliability(before: Reliability, after: Reliability) -> Callable[[Canvas], None]:
    def paint(canvas: Canvas) -> None:
        above, below = canvas.axes
        place, number, confidence, accuracy = _points(before)
        above.bar(place, accuracy, 1 / BINS, align="edge", color=ACCENT, alpha=0.3, label="accuracy")
        above.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
        above.plot(confidence, accuracy, "o", color=ACCENT, markersize=5, label="as the model says")
        _, _, confidence_after, accuracy_after = _points(after)
        above.plot(confidence_after, accuracy_after, "s", color=SECOND, markersize=4, label="with the temperature")
        above.set(ylabel="accuracy", ylim=(0, 1.03))
        above.legend(loc="upper left")
        below.bar(place, number, 1 / BINS, align="edge", color=ACCENT)
        below.set(xlabel="confidence", ylabel="pictures", xlim=(0, 1), yscale="log")
        below.set_ylim(0.5, 2 * number.max(initial=1))
        below.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        below.yaxis.set_minor_formatter(NullFormatter())
        in_percent(above.yaxis, below.xaxis)

    return paint


def _points(bins: Reliability) -> Sequence[np.ndarray]:
    number = np.array(bins.counts)
    some = number > 0
    totals = np.array([float(total) for total in bins.confidence])
    return (
        np.arange(BINS)[some] / BINS,
        number[some],
        totals[some] / number[some],
        np.array(bins.right)[some] / number[some],
    )


def _coverage(selective: Selective, wanted: float, verb: str) -> Callable[[Canvas], None]:
    place = typed_threshold_for(selective, wanted)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes
        axes.step(stairs(selective.coverage), stairs(selective.accuracy), color=ACCENT, where="pre")
        lowest = float(selective.accuracy.min(initial=1))
        axes.axhline(wanted, color=INK, linestyle="--", linewidth=1)
        if place:
            axes.plot([place.coverage], [place.accuracy], "o", color=BAD, markersize=6)
            text = f"confidence ≥ {_typed(place.threshold)}"
            axes.annotate(text, (place.coverage, place.accuracy), (-6, -14), textcoords="offset points", ha="right")
        axes.set(xlabel=f"share of pictures {verb}", ylabel="accuracy of these", xlim=(0, 1.01))
        room = max(0.1 * (1 - lowest), 0.002)
        bottom = max(0.0, lowest - room)
        axes.set_ylim(bottom, 1 + room / 4)
        axes.set_yticks([tick for tick in axes.get_yticks() if bottom <= tick <= 1])
        in_percent(axes.xaxis, axes.yaxis)

    return paint
