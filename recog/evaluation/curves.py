"""Plot of losses and of the rate that ranks checkpoints over a run."""

import itertools
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from recog.metrics import Counts

TRAINING, VALIDATION = "#2b6cb0", "#dd6b20"
"""Colours of the rates and of the first training loss, and of what is measured on the validation samples."""
LOSSES = (TRAINING, "#2f855a", "#805ad5", "#d53f8c", "#718096", "#00a3c4")
"""Colours of training losses."""


def write_curves(path: str | Path, metrics: Sequence[dict[str, float]], counts: type[Counts]) -> None:
    """Plots training losses (logarithmic) and the ranking rate of training and validation by step.

    The file is replaced as a whole, so that a viewer or a killed job never leaves half a picture.

    Args:
      path: PNG to write.
      metrics: parsed lines of a run's ``metrics.jsonl``.
      counts: type of the run's counts, by whose rate its checkpoints are ranked.

    Raises:
      ValueError: there are no metrics.
    """
    if not metrics:
        raise ValueError("no metrics to plot: wait until the run has logged its first line to metrics.jsonl")
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    losses = sorted({name for line in metrics for name in line if name.endswith("_loss")})
    training = [name for name in losses if name.startswith("train/")]
    for name, colour in zip(training, itertools.cycle(LOSSES), strict=False):
        _line(left, metrics, name, colour)
    for name in losses[len(training) :]:
        _line(left, metrics, name, VALIDATION, marker="o")
    left.set(yscale="log", ylabel="loss per sample")
    _line(right, metrics, f"train/{counts.ranks_by}", TRAINING)
    _line(right, metrics, f"validation/{counts.ranks_by}", VALIDATION, marker="o")
    right.set_ylabel(counts.style.meaning)
    if counts.style.percent:
        right.set_ylim(0, 1.02)
        right.yaxis.set_major_formatter(PercentFormatter(1.0))
    for axes in (left, right):
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(frameon=False)
    part = Path(path).with_suffix(".part")
    figure.savefig(part, format="png")
    part.replace(path)


def _line(axes: Axes, metrics: Sequence[dict[str, float]], name: str, colour: str, marker: str = "") -> None:
    points = [(line["step"], line[name]) for line in metrics if name in line]
    if points:
        axes.plot(*zip(*points, strict=True), label=name.replace("/", " "), color=colour, marker=marker, markersize=4)
