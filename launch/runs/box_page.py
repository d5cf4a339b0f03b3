"""Page of ``launch.prepare --report`` for pictures with boxes: their numbers, classes, sizes, places and tilt."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from datasets.box_report import BoxReport
from launch.runs.page_text import DPI, WIDTH, drawable, findings, put_picture, put_text

BAR = "#2b6cb0"
BINS = 40
"""Bars of histograms, and cells along a side of the map of places."""
NARROWEST = 0.02
"""Minimum range of a histogram as a share of the widest one; the bars of a narrower one would only show rounding."""
COMMONEST = 12
"""Number of classes with a bar."""
LONGEST = 12
"""Characters of a class name on its bar."""


def write_box_page(path: str | Path, title: str, report: BoxReport) -> None:
    """Draws the page as a PNG.

    Args:
      path: file to write.
      title: name of the source, in any script.
      report: the findings.
    """
    lines = findings(report.summary())
    height = lines.shape[0] / 2 / DPI  # in inches, as it is shown at half the size
    figure = Figure(figsize=(WIDTH, 8 + height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplot_mosaic("ttt;nca;spm;fff", height_ratios=[0.3, 3, 3, height])
    axes["t"].axis("off")
    put_text(axes["t"], title, (0, 0.5), alignment=(0, 0.5))
    _numbers(axes["n"], report)
    _classes(axes["c"], report)
    _histogram(axes["a"], report.places[:, 4], "tilt of the top side in degrees", (-90, 90))
    _histogram(axes["s"], report.places[:, 2], "width as a share of the picture", (0, 1))
    _histogram(axes["p"], report.places[:, 3], "height as a share of the picture", (0, 1))
    _map(axes["m"], report)
    axes["f"].axis("off")
    put_picture(axes["f"], lines, (0, 1), alignment=(0, 1))
    figure.savefig(path)


def _numbers(axes: Axes, report: BoxReport) -> None:
    axes.bar(list(report.boxes_per_picture), list(report.boxes_per_picture.values()), color=BAR)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    _finish(axes, "boxes in a picture", "pictures")


def _classes(axes: Axes, report: BoxReport) -> None:
    shown = list(report.classes.items())[:COMMONEST]
    axes.bar(range(len(shown)), [count for _, count in shown], color=BAR)
    axes.set(xlim=(-1, max(len(shown), 1)), xticks=[])
    for number, (name, _) in enumerate(shown):
        text = drawable(name) if len(name) <= LONGEST else drawable(name[: LONGEST - 1]) + "…"
        put_text(axes, text, (number, 0), alignment=(0.5, 1.1), turned=len(shown) > 1)
    of = f" ({COMMONEST} commonest of {len(report.classes):,})" if len(report.classes) > COMMONEST else ""
    axes.set_title(f"classes{of}", fontsize="medium")
    _finish(axes, "", "boxes")


def _histogram(axes: Axes, values: np.ndarray, name: str, widest: tuple[float, float]) -> None:
    """Histogram over the values, as far as they are in the range ``widest``; of nearly equal ones with some room."""
    low, high = np.clip((values.min(), values.max()), *widest) if len(values) else widest
    room = max(0.0, NARROWEST * (widest[1] - widest[0]) - (high - low)) / 2
    axes.hist(values, BINS, range=(low - room, high + room), color=BAR)
    _finish(axes, name, "boxes")


def _map(axes: Axes, report: BoxReport) -> None:
    """Number of boxes by the place of their centres in the picture."""
    counts, _, _ = np.histogram2d(report.places[:, 1], report.places[:, 0], BINS, range=((0, 1), (0, 1)))
    axes.imshow(counts, cmap="viridis", extent=(0, 1, 1, 0))
    axes.set(xticks=[], yticks=[], xlabel="centres in the picture")


def _finish(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
