"""A grid's ranking rate as a picture: a line with its error band for one axis, heat maps for more."""

import math
import textwrap
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from launch.ablation.results import Best, Row
from launch.ablation.tables import with_interval
from recog.metrics import RateStyle

LINE, MARK = "#2b6cb0", "#dd6b20"
LIGHT, DARK = "#ffffff", "#1a202c"


def write_figure(
    path: str | Path, axes: Sequence[str], rows: Sequence[Row], best: Best | None, style: RateStyle
) -> None:
    """Draws mean rates with 95 % intervals over seeds or folds; beyond two axes, a heat map for each place on the rest.

    A line has a dot for every run; heat maps have the best in bold.

    Args:
      path: PNG to write.
      axes: names of the axes.
      rows: all rows of the grid.
      best: best of the rows.
      style: presentation of the rate.
    """
    axes = [_as_it_is(axis) for axis in axes]
    rows = [row._replace(labels=tuple(map(_as_it_is, row.labels))) for row in rows]
    best = best and best._replace(row=best.row._replace(labels=tuple(map(_as_it_is, best.row.labels))))
    if len(axes) == 1:
        figure = Figure(figsize=(6, 3.6), dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        _draw_line(figure.subplots(), axes[0], rows, style)
    else:
        panels = list(dict.fromkeys(row.labels[2:] for row in rows))
        across = len(dict.fromkeys(row.labels[1] for row in rows))
        down = len(dict.fromkeys(row.labels[0] for row in rows))
        size = (len(panels) * (1.6 + 1.15 * across) + 0.9, 1.2 + 0.75 * down)
        figure = Figure(figsize=size, dpi=120, layout="constrained")
        FigureCanvasAgg(figure)
        known = [style.scale * row.rate.value for row in rows if row.rate] or [0.0]
        limits = min(known), max(min(known) + 0.001 * style.scale, *known)
        drawn, image = figure.subplots(1, len(panels), squeeze=False)[0], None
        for panel, rest in zip(drawn, panels, strict=True):
            image = _draw_map(panel, axes, [row for row in rows if row.labels[2:] == rest], limits, best, style)
            panel.set_title(
                ", ".join(f"{axis} {label}" for axis, label in zip(axes[2:], rest, strict=True)), fontsize=10
            )
        if image is not None:
            figure.colorbar(image, ax=list(drawn), label=style.axis)
    figure.savefig(path)


def _as_it_is(text: str) -> str:
    """Escapes dollars, which begin a formula for matplotlib, and breaks long lines."""
    return textwrap.fill(text, 24).replace("$", r"\$")


def _draw_line(panel: Axes, axis: str, rows: Sequence[Row], style: RateStyle) -> None:
    labels = [row.labels[0] for row in rows]
    done = [(place, row.rate) for place, row in enumerate(rows) if row.rate]
    places, means = [place for place, _ in done], np.array([style.scale * m.value for _, m in done])
    widths = np.array([0 if math.isnan(m.half_width) else style.scale * m.half_width for _, m in done])
    panel.plot(places, means, color=LINE, marker="o")
    panel.fill_between(places, means - widths, means + widths, color=LINE, alpha=0.2, linewidth=0)
    for place, row in enumerate(rows):
        points = [style.scale * result.rate for result in row.results.values()]
        panel.plot([place] * len(points), points, ".", color=MARK, alpha=0.6, markersize=4)
    panel.set(xlabel=axis, ylabel=style.axis, xticks=range(len(labels)), xticklabels=labels)
    panel.grid(alpha=0.3)
    panel.spines[["top", "right"]].set_visible(False)


def _draw_map(
    panel: Axes,
    axes: Sequence[str],
    rows: Sequence[Row],
    limits: tuple[float, float],
    best: Best | None,
    style: RateStyle,
):
    down = list(dict.fromkeys(row.labels[0] for row in rows))
    across = list(dict.fromkeys(row.labels[1] for row in rows))
    values = np.full((len(down), len(across)), math.nan)
    for row in rows:
        if row.rate:
            values[down.index(row.labels[0]), across.index(row.labels[1])] = style.scale * row.rate.value
    image = panel.imshow(values, cmap="Blues", vmin=limits[0], vmax=limits[1], aspect="auto")
    middle = sum(limits) / 2
    for row in rows:
        place = across.index(row.labels[1]), down.index(row.labels[0])
        if row.rate:
            shown = with_interval(row.rate, style.scale, style.digits - 1).replace(" ± ", "\n± ")
            colour = LIGHT if style.scale * row.rate.value > middle else DARK
        else:
            shown, colour = "–", DARK
        heavy = "bold" if best and row.labels == best.row.labels else "normal"
        panel.text(*place, shown, ha="center", va="center", color=colour, fontsize=9, fontweight=heavy)
    panel.set(xlabel=axes[1], ylabel=axes[0])
    panel.set(xticks=range(len(across)), xticklabels=across, yticks=range(len(down)), yticklabels=down)
    panel.tick_params(length=0)
    return image
