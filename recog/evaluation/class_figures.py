"""Figures of a classifier's evaluation: reliability diagram and confusion matrix."""

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from recog.metrics import ClassCounts
from recog.metrics.reliability import BINS

BARS, LINE = "#2b6cb0", "#555555"
"""Colours of the bars and of the line of perfect calibration."""
MOST_CLASSES = 40
"""Maximum number of classes of a confusion matrix that can be read as a figure."""
LARGEST_NUMBERS = 15
"""Maximum number of classes whose numbers fit into the figure's cells."""


def write_calibration(path: str | Path, counts: ClassCounts) -> None:
    """Draws accuracy against confidence by bins, and the number of samples of each bin, as a PNG."""
    bins, figure = counts.reliability, Figure(figsize=(5, 5.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    number = np.array(bins.counts)
    some = number > 0
    accuracy = np.array(bins.right)[some] / number[some]
    confidence = np.array([float(total) for total in bins.confidence])[some] / number[some]
    left = np.arange(BINS)[some] / BINS
    above.bar(left, accuracy, 1 / BINS, align="edge", color=BARS, alpha=0.35, edgecolor="white", label="accuracy")
    above.plot([0, 1], [0, 1], color=LINE, linestyle="--", linewidth=1, label="perfect calibration")
    above.plot(confidence, accuracy, "o", color=BARS, markersize=5, label="mean confidence and accuracy")
    error = counts.reliability.error
    above.set(ylabel="accuracy", ylim=(0, 1.05), title=f"expected calibration error {100 * error:.2f} %")
    above.legend(framealpha=0.9, edgecolor="none", loc="upper left", fontsize=9)
    below.bar(left, number[some], 1 / BINS, align="edge", color=BARS, edgecolor="white")
    for place, value in zip(left + 0.5 / BINS, number[some].tolist(), strict=True):
        below.annotate(f"{value:,}", (place, value), (0, 1), textcoords="offset points", ha="center", fontsize=7)
    below.set(xlabel="confidence", ylabel="samples", xlim=(0, 1), yscale="symlog")
    below.set_ylim(0, 4 * number.max(initial=1))
    below.xaxis.set_major_formatter(PercentFormatter(1.0))
    above.yaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path)


def write_confusion(folder: Path, counts: ClassCounts) -> None:
    """Writes the numbers of samples by true and predicted class as ``confusion.tsv``, and of few classes as a PNG."""
    lines = ["\t".join(["label \\ prediction", *counts.names])]
    for name, row in zip(counts.names, counts.confusion.tolist(), strict=True):
        lines.append("\t".join([name, *map(str, row)]))
    (folder / "confusion.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if len(counts.names) <= MOST_CLASSES:
        _draw_confusion(folder / "confusion.png", counts)


def _draw_confusion(path: Path, counts: ClassCounts) -> None:
    classes = len(counts.names)
    side = 2.4 + 0.9 * min(classes, 5) + 0.3 * max(0, classes - 5)
    figure = Figure(figsize=(side + 0.6, side), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shares = counts.confusion / np.maximum(counts.confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if classes <= LARGEST_NUMBERS:
        for (row, column), value in np.ndenumerate(counts.confusion):
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{value:,}", ha="center", va="center", color=colour, fontsize=9)
    axes.set_xticks(range(classes), counts.names, rotation=90 if classes > 3 else 0)
    axes.set_yticks(range(classes), counts.names)
    axes.set(xlabel="prediction", ylabel="label", title=f"accuracy {100 * counts.accuracy:.2f} %")
    bar = figure.colorbar(image, ax=axes, shrink=0.8, label="share of the label's samples")
    bar.ax.yaxis.set_major_formatter(PercentFormatter(1.0))
    figure.savefig(path)
