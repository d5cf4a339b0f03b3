"""Figures of reports by Matplotlib: as SVG whose colours follow the page's theme, and as PNG on white.

Text in the SVG is text, which the browser draws in its own fonts, in any script. In the PNG, labels in any script are
pictures (`launch.runs.page_text`).
"""

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ticker import PercentFormatter

from launch.runs.page_text import drawable, put_text
from launch.runs.reporting.markup import Html

INK, LINE, ACCENT, SECOND, GOOD, BAD = "#1a1d21", "#d5d9df", "#1d5fb4", "#b4621d", "#1b6b3a", "#a81c24"
VARIABLES = {INK: "--ink", LINE: "--line", ACCENT: "--accent", SECOND: "--second", GOOD: "--sure", BAD: "--poor"}
"""Variables of the page's style sheet by the colour that figures are drawn in."""
SIZE = (4.7, 3.3)
"""Usual width and height in inches. At 72 pixels an inch it fits a phone."""
DPI = 160
"""Dots per inch of PNG files."""
LONGEST_NAME = 16
"""Maximum number of characters of a name in a figure."""
SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names of classes may have dollar signs
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": LINE,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


class Canvas:
    """Axes to draw on, once for the page and once for the PNG."""

    def __init__(self, axes: Sequence[Axes], on_page: bool):
        self.axes, self._on_page = axes, on_page

    def name_bars(self, axes: Axes, names: Sequence[str], turned: bool = False) -> None:
        """Puts names in any script below the places 0, 1, 2... of the horizontal axis."""
        names = [_cut(name) for name in names]
        if self._on_page:
            axes.set_xticks(range(len(names)), names, rotation=90 if turned else 0)
            return
        axes.set_xticks(range(len(names)), ["\n" if not turned else "\n\n\n"] * len(names))
        for place, name in enumerate(names):
            put_text(axes, drawable(name), (place, -0.03), alignment=(0.5, 1), turned=turned)

    def named(self, name: str, note: str) -> str:
        """A name in any script with a note, for a legend; with code points where the PNG's font lacks characters."""
        name, font = _cut(name), get_font(findfont(FontProperties()))
        known = (
            name if self._on_page else "".join(c if font.get_char_index(ord(c)) else f"U+{ord(c):04X}" for c in name)
        )
        known = f"\N{ZERO WIDTH SPACE}{known}" if known.startswith("_") else known  # Matplotlib would leave it out
        return f"{known}, {note}" if note else known


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


class Drawing(NamedTuple):
    """A figure in both forms."""

    svg: Html
    png: bytes


def draw(
    name: str, paint: Callable[[Canvas], None], size: tuple[float, float] = SIZE, heights: Sequence[float] = (1,)
) -> Drawing:
    """Draws a figure twice.

    Args:
      name: name of the figure, unique on its page, and description for those who cannot see it.
      paint: draws on axes above each other.
      size: width and height in inches.
      heights: relative heights of the axes.
    """
    with matplotlib.rc_context({**SETTINGS, "svg.hashsalt": name}), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Matplotlib's own fonts lack characters that the browser draws
        return Drawing(_svg(name, _painted(paint, size, heights, on_page=True)), _png(paint, size, heights))


def _painted(
    paint: Callable[[Canvas], None], size: tuple[float, float], heights: Sequence[float], on_page: bool
) -> Figure:
    figure = Figure(figsize=size, layout="constrained")
    (FigureCanvasSVG if on_page else FigureCanvasAgg)(figure)
    axes = figure.subplots(len(heights), 1, squeeze=False, sharex=True, height_ratios=heights)[:, 0]
    paint(Canvas(list(axes), on_page))
    return figure


def _png(paint: Callable[[Canvas], None], size: tuple[float, float], heights: Sequence[float]) -> bytes:
    content = io.BytesIO()
    _painted(paint, size, heights, on_page=False).savefig(content, format="png", dpi=DPI)
    return content.getvalue()


def _svg(name: str, figure: Figure) -> Html:
    content = io.StringIO()
    figure.savefig(content, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    drawn = re.sub(r"<metadata>.*?</metadata>", "", content.getvalue(), flags=re.DOTALL)
    drawn = drawn[drawn.index("<svg") :]
    drawn = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", drawn))
    drawn = re.sub(r'<g id="[^"]*"', "<g", drawn)
    drawn = re.sub(r"font: (?:\d+ )?([\d.]+px) [^;\"]*", r"font-size: \1", drawn)
    drawn = re.sub(r"font-family: [^;\"]*;? ?", "", drawn)
    for colour, variable in VARIABLES.items():
        drawn = drawn.replace(colour, f"var({variable})")
    return Html(drawn.replace("<svg", f'<svg role="img" aria-label="{name}"', 1).strip())


def in_percent(*axes: Axis) -> None:
    """Shows shares on these axes (``axes.xaxis``, ``axes.yaxis``) in per cent."""
    for axis in axes:
        axis.set_major_formatter(PercentFormatter(1.0))


def stairs(values: np.ndarray) -> np.ndarray:
    """At most 2,000 of many points of a curve, the first and last included, for a page of a sensible size."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(len(values), 2000)).astype(int))]
