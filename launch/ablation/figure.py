"""A grid's accuracy as a picture: a line with its error band for one axis, heat maps for more."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from launch.ablation.results import Best, Row

LINE, MARK = "#2b6cb0", "#dd6b20"
LIGHT, DARK = "#ffffff", "#1a202c"


def write_figure(path: str | Path, axes: Sequence[str], rows: Sequence[Row], best: Best | None) -> None:
    """Draws mean accuracies with 95 % intervals over seeds; beyond two axes, a heat map for each place on the rest.

    A line has a dot for every run; heat maps have the best in bold.

    Args:
      path: PNG to write.
      axes: names of the axes.
      rows: all rows of the grid.
      best: best of the rows.
    """
    axes = [_as_it_is(axis) for axis in axes]
    rows = [row._replace(labels=tuple(map(_as_it_is, row.labels))) for row in rows]
    best = best and best._replace(row=best.row._replace(labels=tuple(map(_as_it_is, best.row.labels))))
    if len(axes) == 1:
        figure = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        _draw_line(figure.subplots(), axes[0], rows)
    else:
        panels = list(dict.fromkeys(row.labels[2:] for row in rows))
        across = len(dict.fromkeys(row.labels[1] for row in rows))
        down = len(dict.fromkeys(row.labels[0] for row in rows))
        size = (len(panels) * (1.6 + 1.15 * across) + 0.9, 1.2 + 0.75 * down)
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        known = [100 * row.accuracy.value for row in rows if row.accuracy] or [0.0]
        limits = min(known), max(min(known) + 0.1, *known)
        drawn, image = figure.subplots(1, len(panels), squeeze=False)[0], None
        for panel, rest in zip(drawn, panels, strict=True):
            image = _draw_map(panel, axes, [row for row in rows if row.labels[2:] == rest], limits, best)
            panel.set_title(
                ", ".join(f"{axis} {label}" for axis, label in zip(axes[2:], rest, strict=True)), fontsize=10
            )
        if image is not None:
            figure.colorbar(image, ax=list(drawn), label="exact match, %")
    figure.savefig(path)


def _as_it_is(text: str) -> str:
    """Escapes dollars, which begin a formula for matplotlib, and breaks long lines."""
    return textwrap.fill(text, 24).replace("$", r"\$")


def _draw_line(panel: Axes, axis: str, rows: Sequence[Row]) -> None:
    labels = [row.labels[0] for row in rows]
    done = [(place, row.accuracy) for place, row in enumerate(rows) if row.accuracy]
    places, means = [place for place, _ in done], np.array([100 * m.value for _, m in done])
    widths = np.array([0 if math.isnan(m.half_width) else 100 * m.half_width for _, m in done])
    panel.plot(places, means, color=LINE, marker="o")
    panel.fill_between(places, means - widths, means + widths, color=LINE, alpha=0.2, linewidth=0)
    for place, row in enumerate(rows):
        points = [100 * result.accuracy for result in row.results.values()]
        panel.plot([place] * len(points), points, ".", color=MARK, alpha=0.6, markersize=4)
    panel.set(xlabel=axis, ylabel="exact match, %", xticks=range(len(labels)), xticklabels=labels)
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_map(panel: Axes, axes: Sequence[str], rows: Sequence[Row], limits: tuple[float, float], best: Best | None):
    down = list(dict.fromkeys(row.labels[0] for row in rows))
    across = list(dict.fromkeys(row.labels[1] for row in rows))
    values = np.full((len(down), len(across)), math.nan)
    for row in rows:
        if row.accuracy:
            values[down.index(row.labels[0]), across.index(row.labels[1])] = 100 * row.accuracy.value
    image = panel.imshow(values, cmap="Blues", vmin=limits[0], vmax=limits[1], aspect="auto")
    middle = sum(limits) / 2
    for row in rows:
        place = across.index(row.labels[1]), down.index(row.labels[0])
        if row.accuracy:
            shown = f"{100 * row.accuracy.value:.1f}"
            if not math.isnan(row.accuracy.half_width):
                shown += f"\n± {100 * row.accuracy.half_width:.1f}"
            colour = LIGHT if 100 * row.accuracy.value > middle else DARK
        else:
            shown, colour = "–", DARK
        heavy = "bold" if best and row.labels == best.row.labels else "normal"
        panel.text(*place, shown, ha="center", va="center", color=colour, fontsize=9, fontweight=heavy)
    panel.set(xlabel=axes[1], ylabel=axes[0])
    panel.set(xticks=range(len(across)), xticklabels=across, yticks=range(len(down)), yticklabels=down)
    panel.tick_params(length=0)
    return image
