"""Renderer of prices cut out of scanned receipts; needs neither files nor a download.

Each sample is printed (thermal heads, needles, ink), scanned with few pixels, cut out with narrow margins, and scaled
to the canvas by `recog.images.scale` as real pictures are. Every price has two decimals; signs, currencies and
thousands commas are printed and belong to the label: ``-1.20``, ``$3.00``, ``RM 12.90``, ``RM-0.16``, ``RM1,250.00``.
"""

import bisect
import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from datasets.synthetic.receipt_scan import WEIGHTS, scan, wear
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.typeface import ABOVE, CAPITAL, CELL, Face, Family, Mask, draw_line, heaviest, rasterize
from recog.images import scale

_CURRENCIES = ("", "$", "RM", "RM ", "$ ")
_CURRENCY_SHARES = (0.7, 0.09, 0.095, 0.095, 0.02)
_NEGATIVE = 0.15
"""Share of prices with a minus, before or after their currency."""
_WHOLE_DIGITS = (0.44, 0.34, 0.16, 0.06)
"""Shares of prices with one, two, three and four digits before the point."""

_FAMILIES: tuple[Family, ...] = (
    "plain", "based", "angular", "slab", "slashed", "uni", "sans", "wide", "mono", "serif", "roman", "typewriter",
    "dots",
)  # fmt: skip
_FAMILY_SHARES = (0.23, 0.16, 0.06, 0.05, 0.05, 0.14, 0.05, 0.07, 0.05, 0.02, 0.03, 0.03, 0.06)
_ASPECTS = (0.42, 0.5, 0.57, 0.65, 0.74)
_SQUARES = (2.0, 2.3, 2.8, 4.0)


@dataclasses.dataclass
class ReceiptsConfig(StreamConfig):
    """Settings of rendered prices; the canvas has at least 64x16 pixels."""

    height: int = 32
    width: int = 128


class Receipts(RenderedStream[ReceiptsConfig]):
    """The stream of rendered prices.

    Example:
      >>> source = Receipts(ReceiptsConfig(count=1000, seed=7))
      >>> image, text, origin = source[0]  # uint8 32 128 3
    """

    name = "receipts"
    smallest = 16, 64

    def draw(self, random: np.random.Generator) -> tuple[UInt8[np.ndarray, "H W 3"], str]:
        """Draws a price, cut out of a receipt."""
        text = draw_text(random)
        cut = lay_out(text, self._config, random)
        if random.random() < 0.03 * self._config.clutter:
            _fade(cut, text.replace(" ", "").index("."), random.uniform(0, 0.4))
        if random.random() < 0.06 * self._config.clutter:
            _fade(cut, int(random.integers(len(cut.columns))), random.uniform(0.3, 0.7))
        wear(cut.ink, self._config.clutter, random)
        return scale(scan(cut.ink, self._config.clutter, random), *self.size), text


def draw_text(random: np.random.Generator) -> str:
    """Draws a price with sign and currency in front of it, in either order, with or without thousands commas."""
    size = 1 + _pick(_WHOLE_DIGITS, random)
    whole = 0 if random.random() < 0.1 else int(random.integers(10 ** (size - 1) if size > 1 else 0, 10**size))
    kind = random.random()
    cents = 0 if kind < 0.25 else 10 * int(random.integers(10)) if kind < 0.5 else int(random.integers(100))
    commas = "," if random.random() < 0.7 else ""
    currency = _CURRENCIES[_pick(_CURRENCY_SHARES, random)]
    minus, first = "-" if random.random() < _NEGATIVE else "", random.random() < 0.5
    return f"{minus + currency if first else currency + minus}{whole:{commas}}.{cents:02d}"


def _pick(shares: tuple[float, ...], random: np.random.Generator) -> int:
    """Draws an index with these probabilities, which sum to 1."""
    return min(bisect.bisect_right(list(itertools.accumulate(shares)), random.random()), len(shares) - 1)


class Cut(NamedTuple):
    """The piece of a receipt that is scanned."""

    ink: UInt8[np.ndarray, "H W"]
    """Ink 255, paper 0, in pixels of the scanner."""
    columns: Float32[np.ndarray, "N 2"]
    """First and last column of each character's ink (except spaces) on the line through the middle of the text."""


def _fade(cut: Cut, index: int, left: float) -> None:
    """Fades a character to this share of its ink, as thermal paper and black and white scans do.

    Of a decimal point that is lost, the gap still shows the position.
    """
    start, stop = cut.columns[index].tolist()
    part = cut.ink[:, max(0, int(start)) : int(stop) + 2]
    part[:] = part * left


def draw_face(random: np.random.Generator) -> Face:
    """Draws the typeface of a printer."""
    family = _FAMILIES[_pick(_FAMILY_SHARES, random)]
    aspect, square, flat = random.random(3)
    aspect = _ASPECTS[int(aspect * len(_ASPECTS))]
    weights = [weight for weight in WEIGHTS if weight <= heaviest(aspect)]
    if family == "dots":
        weights = [weight for weight in WEIGHTS if 0.1 <= weight < 0.17]
    weight = weights[int(random.integers(len(weights)))]
    return Face(family, weight, aspect, _SQUARES[int(square * len(_SQUARES))], flat < 0.5, own=True)


def lay_out(text: str, config: StreamConfig, random: np.random.Generator) -> Cut:
    """Prints a text, scales it to the scanner's resolution, and cuts it out of the paper, slightly slanted."""
    face = draw_face(random)
    pitch = 0.0
    if random.random() < 0.5 or face.family == "dots":
        pitch = random.uniform(0.56, 0.86) * CAPITAL * (0.45 + face.aspect)
    gap = random.uniform(0.06, 0.2) * CAPITAL
    mask, spans = draw_line(text, face, gap, pitch, random.uniform(0.1, 0.6))
    before = sum(1 for _ in itertools.takewhile(lambda sign: not sign.isdigit(), text.replace(" ", "")))
    if before and not pitch and random.random() < 0.25:
        mask, spans = _shrink_first(before, mask, spans, random.uniform(0.5, 0.85))
    if face.family != "dots" and face.weight > 0.08 and random.random() < 0.45:
        mask = rasterize(mask, int(random.integers(11, 26)), random.random() < 0.2)
    seen = random.triangular(12, 20, 27) if random.random() < 0.28 else min(random.uniform(22, 48), 40.4)
    height = max(12, round(seen * config.height / 32))  # real ones are 12 to 40 pixels tall
    digit = float(np.clip(random.normal(0.74, 0.08), 0.5, 0.95)) * height  # pixels of a digit's height
    stretch = max(math.exp(random.normal(-0.05, 0.15)), 5 / (digit * face.aspect))  # digits are 5 pixels wide or more
    mask, columns = at_resolution(mask, spans, face, digit, stretch)
    return cut_out(mask, columns, digit, height, config.clutter, random)


def _shrink_first(
    count: int, mask: Mask, spans: Sequence[tuple[int, int]], size: float
) -> tuple[Mask, Sequence[tuple[int, int]]]:
    """Shrinks the first characters of a line, which stay on the baseline, as small currency signs are printed."""
    stop = spans[count - 1][1]
    width, baseline = max(count, round(size * stop)), ABOVE + CAPITAL
    affine = np.array([[size, 0, 0], [0, size, (1 - size) * baseline]])
    small = cv2.warpAffine(mask[:, :stop], affine, (width, CELL))
    first = [(int(size * left), max(int(size * left) + 1, round(size * right))) for left, right in spans[:count]]
    rest = [(left + width - stop, right + width - stop) for left, right in spans[count:]]
    return np.hstack([small, mask[:, stop:]]), [*first, *rest]


def at_resolution(
    mask: Mask, spans: Sequence[tuple[int, int]], face: Face, digit: float, stretch: float
) -> tuple[Mask, Float32[np.ndarray, "N 2"]]:
    """Scales a printed text to the scanner's resolution.

    Args:
      mask: the text.
      spans: first and last column of each character.
      face: its typeface.
      digit: height of a digit in the result, pixels.
      stretch: factor of widths beside that of heights.

    Returns:
      The mask, and the columns of each character in it.
    """
    across, down = digit / CAPITAL * stretch, digit / CAPITAL
    size = max(1, round(mask.shape[1] * across)), round(mask.shape[0] * down)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    if (thickness := face.weight * digit * min(1.0, stretch)) < 1:  # strokes thinner than a pixel would be too pale
        mask = cv2.convertScaleAbs(mask, alpha=1 / max(thickness, 0.33))
    return mask, np.array(spans, np.float32) * np.float32(across)


def cut_out(
    mask: Mask,
    columns: np.ndarray,
    digit: float,
    height: int,
    clutter: float,
    random: np.random.Generator,
    share_above: tuple[float, float] = (0.3, 0.85),
) -> Cut:
    """Slants and rotates a line with digits of ``digit`` pixels, and cuts it out ``height`` pixels tall.

    With ``clutter`` 0 the line stays upright and is not cut. ``share_above`` is the range of the share of the
    other rows that is above the digits.
    """
    slant = random.normal(0, 0.04 if random.random() < 0.85 else 0.15) * clutter
    turn = random.normal(0, 0.018) * clutter
    before, after = np.abs(random.normal((0.22, 0.19), (0.1, 0.1))) * digit
    above = random.uniform(*share_above) * (height - digit)
    if random.random() < 0.06 * clutter:  # into the last character
        after = -random.uniform(0.1, 0.4) * np.diff(columns[-1]).item()
    shear = np.array([[1.0, -slant], [turn, 1.0]])
    middle = np.array([mask.shape[1] / 2, (ABOVE / CAPITAL + 0.5) * digit])
    lean = abs(slant) * digit / 2
    offset = np.array([before + lean + middle[0], above + digit / 2]) - shear @ middle
    width = max(4, round(mask.shape[1] + before + after + 2 * lean))
    ink = cv2.warpAffine(mask, np.column_stack([shear, offset]), (width, height))
    return Cut(ink, columns + np.float32(offset[0] + shear[0, 1] * middle[1]))
