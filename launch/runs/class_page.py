"""Page of ``launch.prepare --report`` for pictures with classes: numbers of the classes, sizes of the pictures."""

import shlex
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from datasets.class_report import ClassReport
from launch.runs.page_text import DPI, WIDTH, drawable, findings, put_picture, put_text

BAR, OUTSIDE = "#2b6cb0", "#dd6b20"
COMMONEST = 30
"""Number of classes with a bar."""
LONGEST = 12
"""Characters of a class name on its bar."""
BINS = 40
"""Bars of the histogram of aspect ratios."""


def write_class_page(path: str | Path, title: str, report: ClassReport) -> None:
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
    axes = figure.subplot_mosaic("tt;cc;sa;ff", height_ratios=[0.3, 3, 3, height])
    axes["t"].axis("off")
    put_text(axes["t"], title, (0, 0.5), alignment=(0, 0.5))
    _classes(axes["c"], report)
    _sizes(axes["s"], report)
    _aspects(axes["a"], report)
    axes["f"].axis("off")
    put_picture(axes["f"], lines, (0, 1), alignment=(0, 1))
    figure.savefig(path)


def class_flag(report: ClassReport) -> str:
    """Flag of a configuration that names the classes of the report, sorted."""
    names = ",".join(map(repr, sorted(report.classes)))
    value = f"({names}{',' * (len(report.classes) == 1)})"
    quoted = shlex.quote(value) if set(value) & set('"$`\\!') else f'"{value}"'
    return f"--config.classes={quoted}"


def _classes(axes: Axes, report: ClassReport) -> None:
    shown = list(report.classes.items())[:COMMONEST]
    colours = [OUTSIDE if name in report.unknown else BAR for name, _ in shown]
    axes.bar(range(len(shown)), [count for _, count in shown], color=colours)
    axes.set(xlim=(-1, max(len(shown), 1)), xticks=[])
    for number, (name, _) in enumerate(shown):
        text = drawable(name) if len(name) <= LONGEST else drawable(name[: LONGEST - 1]) + "…"
        put_text(axes, text, (number, 0), alignment=(0.5, 1.1), turned=len(shown) > 8)
    of = f"{COMMONEST} commonest of {len(report.classes):,} classes" if len(report.classes) > COMMONEST else "classes"
    axes.set_title(f"{of}{', orange: unknown to the model' if report.unknown else ''}", fontsize="medium")
    _finish(axes, "", "pictures")


def _sizes(axes: Axes, report: ClassReport) -> None:
    axes.scatter(report.pictures[:, 0], report.pictures[:, 1], s=8, color=BAR, alpha=0.3, linewidths=0)
    axes.set(xlim=(0, None), ylim=(0, None))
    _finish(axes, "width in pixels", "height in pixels")


def _aspects(axes: Axes, report: ClassReport) -> None:
    octaves = np.log2(report.pictures[:, 0] / report.pictures[:, 1])
    widest = max(1.0, float(np.abs(octaves).max(initial=0.0)))
    axes.hist(2**octaves, (2 ** np.linspace(-widest, widest, BINS + 1)).tolist(), color=BAR)
    axes.set_xscale("log", base=2)
    _finish(axes, "width / height", "pictures")


def _finish(axes: Axes, across: str, up: str) -> None:
    axes.set(xlabel=across, ylabel=up)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
