"""Renderer of prices cut out of scanned receipts; needs neither files nor a download.

Each sample is printed (thermal heads, needles, ink), scanned with few pixels, cut out with narrow margins, and scaled
to the canvas by `recog.images.scale` as real pictures are. Every price has two decimals; signs, currencies and
thousands commas are printed and belong to the label: ``-1.20``, ``$3.00``, ``RM 12.90``, ``RM1,250.00``.
"""

import bisect
import dataclasses
import functools
import itertools
import math
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from datasets.synthetic import camera
from datasets.synthetic.stream import RenderedStream, StreamConfig
from datasets.synthetic.typeface import ABOVE, CAPITAL, Face, Family, Mask, draw_line, heaviest, rasterize
from recog.images import scale

_PREFIXES = ("", "-", "$", "RM", "RM ", "-RM", "-$", "$ ")
_PREFIX_SHARES = (0.66, 0.09, 0.07, 0.08, 0.09, 0.003, 0.004, 0.003)
_WHOLE_DIGITS = (0.44, 0.34, 0.16, 0.06)
"""Shares of prices with one, two, three and four digits before the point."""

_FAMILIES: tuple[Family, ...] = ("plain", "based", "angular", "slab", "slashed", "uni", "sans", "dots")
_FAMILY_SHARES = (0.34, 0.2, 0.08, 0.07, 0.06, 0.13, 0.05, 0.07)
_WEIGHTS = (0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.14, 0.17, 0.2)
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
            _lose_point(cut, text, random)
        return scale(scan(cut.ink, self._config.clutter, random), *self.size), text


def draw_text(random: np.random.Generator) -> str:
    """Draws a price with sign or currency in front of it, with or without thousands commas."""
    size = 1 + _pick(_WHOLE_DIGITS, random)
    whole = 0 if random.random() < 0.1 else int(random.integers(10 ** (size - 1) if size > 1 else 0, 10**size))
    kind = random.random()
    cents = 0 if kind < 0.25 else 10 * int(random.integers(10)) if kind < 0.5 else int(random.integers(100))
    commas = "," if random.random() < 0.7 else ""
    return f"{_PREFIXES[_pick(_PREFIX_SHARES, random)]}{whole:{commas}}.{cents:02d}"


def _pick(shares: tuple[float, ...], random: np.random.Generator) -> int:
    """Draws an index with these probabilities, which sum to 1."""
    return min(bisect.bisect_right(list(itertools.accumulate(shares)), random.random()), len(shares) - 1)


class Cut(NamedTuple):
    """The piece of a receipt that is scanned."""

    ink: UInt8[np.ndarray, "H W"]
    """Ink 255, paper 0, in pixels of the scanner."""
    columns: Float32[np.ndarray, "N 2"]
    """First and last column of each character's ink (except spaces) on the line through the middle of the text."""


def _lose_point(cut: Cut, text: str, random: np.random.Generator) -> None:
    """Fades the decimal point, as black and white scans do; the gap still shows its position."""
    start, stop = cut.columns[text.replace(" ", "").index(".")].tolist()
    part = cut.ink[:, max(0, int(start)) : int(stop) + 2]
    part[:] = part * random.uniform(0, 0.4)


def draw_face(random: np.random.Generator) -> Face:
    """Draws the typeface of a printer."""
    family = _FAMILIES[_pick(_FAMILY_SHARES, random)]
    aspect, square, flat = random.random(3)
    aspect = _ASPECTS[int(aspect * len(_ASPECTS))]
    weights = [weight for weight in _WEIGHTS if weight <= heaviest(aspect)]
    if family == "dots":
        weights = [weight for weight in _WEIGHTS if 0.1 <= weight < 0.17]
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
    if face.family != "dots" and face.weight > 0.08 and random.random() < 0.45:
        mask = rasterize(mask, int(random.integers(11, 26)), random.random() < 0.2)
    seen = random.triangular(12, 20, 27) if random.random() < 0.28 else min(random.uniform(22, 48), 40.4)
    height = max(12, round(seen * config.height / 32))  # real ones are 12 to 40 pixels tall
    digit = float(np.clip(random.normal(0.74, 0.08), 0.5, 0.95)) * height  # pixels of a digit's height
    stretch = max(math.exp(random.normal(-0.05, 0.15)), 5 / (digit * face.aspect))  # digits are 5 pixels wide or more
    across, down = digit / CAPITAL * stretch, digit / CAPITAL
    size = max(1, round(mask.shape[1] * across)), round(mask.shape[0] * down)
    mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA)
    if (thickness := face.weight * digit * min(1.0, stretch)) < 1:  # strokes thinner than a pixel would be too pale
        mask = cv2.convertScaleAbs(mask, alpha=1 / max(thickness, 0.33))
    columns = np.array(spans, np.float32) * np.float32(across)
    return _cut_out(mask, columns, digit, height, config.clutter, random)


def _cut_out(
    mask: Mask, columns: np.ndarray, digit: float, height: int, clutter: float, random: np.random.Generator
) -> Cut:
    """Slants and rotates a line with digits of ``digit`` pixels, and cuts it out ``height`` pixels tall.

    With ``clutter`` 0 the line stays upright and is not cut.
    """
    slant = random.normal(0, 0.04 if random.random() < 0.85 else 0.15) * clutter
    turn = random.normal(0, 0.018) * clutter
    before, after = np.abs(random.normal((0.22, 0.19), (0.1, 0.1))) * digit
    above = random.uniform(0.3, 0.85) * (height - digit)
    if random.random() < 0.06 * clutter:  # into the ink
        after = -0.06 * digit
    shear = np.array([[1.0, -slant], [turn, 1.0]])
    middle = np.array([mask.shape[1] / 2, (ABOVE / CAPITAL + 0.5) * digit])
    lean = abs(slant) * digit / 2
    offset = np.array([before + lean + middle[0], above + digit / 2]) - shear @ middle
    width = max(4, round(mask.shape[1] + before + after + 2 * lean))
    ink = cv2.warpAffine(mask, np.column_stack([shear, offset]), (width, height))
    return Cut(ink, columns + np.float32(offset[0] + shear[0, 1] * middle[1]))


def scan(ink: UInt8[np.ndarray, "H W"], clutter: float, random: np.random.Generator) -> UInt8[np.ndarray, "H W 3"]:
    """Renders ink on paper as a scanner, a fax or a telephone camera records it."""
    if clutter > 0:
        _neighbours(ink, clutter, random)
        ink = _print(ink, clutter, random)
    grey = _tones(ink, clutter, random)
    if clutter > 0:
        grey = _sharpness(grey, clutter, random)
    picture = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
    if random.random() < 0.15 * clutter:
        picture = _tint(picture, random)
    if random.random() < 0.04 * clutter:
        _pen(picture, random)
    if random.random() < 0.75 * clutter:
        picture = camera.compress(picture, int(random.integers(40, 97)))
    return picture


def _neighbours(ink: Mask, clutter: float, random: np.random.Generator) -> None:
    """Draws rules, specks, and parts of the lines above and below that reach into the cut."""
    height, width = ink.shape
    rule, line, specks = random.random(3) < np.array((0.1, 0.12, 0.08)) * clutter
    if rule:
        _rule(ink, random)
    if line:
        other = _other_line(int(random.integers(64)), height)
        left = int(random.integers(0, max(1, other.shape[1] - width)))
        rows = max(1, round(height * random.uniform(0.02, 0.08)))
        below = random.random() < 0.5
        piece = other[:rows, left : left + width] if below else other[-rows:, left : left + width]
        edge = ink[-rows:, : piece.shape[1]] if below else ink[:rows, : piece.shape[1]]
        np.maximum(edge, piece, out=edge)
    if specks:
        for x, y, size in (random.random((int(random.integers(1, 6)), 3)) * (width, height, 0.03 * height)).tolist():
            cv2.circle(ink, (int(x), int(y)), int(size), (int(random.integers(60, 256)),), cv2.FILLED)


def _rule(ink: Mask, random: np.random.Generator) -> None:
    """Draws a solid or dashed line across the top or the bottom."""
    height, width = ink.shape
    thick = max(1, round(height * random.uniform(0.02, 0.07)))
    y = 0 if random.random() < 0.6 else height - thick
    dash = max(2, round(height * random.uniform(0.1, 0.5)))
    on = (np.arange(width) + int(random.integers(dash))) % dash < (0.6 if random.random() < 0.5 else 1) * dash
    ink[y : y + thick, on] = np.maximum(ink[y : y + thick, on], int(random.integers(100, 256)))


@functools.lru_cache(maxsize=4096)
def _other_line(number: int, height: int) -> Mask:
    """Mask of a neighbouring line from the top of its capitals to the baseline, scaled for a cut of this height."""
    random = np.random.default_rng([31, number])
    text = "A" + "".join(random.choice(list("0123456789ABCDEHLMNRST "), 22))
    mask = draw_line(text, Face("plain", _WEIGHTS[number % len(_WEIGHTS)], 0.5), 0.2 * CAPITAL).mask
    size = round(mask.shape[1] * 0.75 * height / CAPITAL), round(0.75 * height)
    mask = cv2.resize(mask[ABOVE : ABOVE + CAPITAL], size, interpolation=cv2.INTER_AREA)
    mask.flags.writeable = False
    return mask


def _print(ink: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Applies defects of the print: thick strokes, uneven heat, dead dots of the head, grainy paper."""
    height, width = ink.shape
    kind, amount, grain, bands = random.random(4)
    if kind < 0.1 * clutter and height > 20:
        return cv2.dilate(ink, np.ones((2, 2), np.uint8))
    if kind > 1 - 0.45 * clutter:
        lost = 0.9 * amount**1.5 * clutter
        cells = int(random.integers(2, 6)), int(random.integers(3, 12))
        heat = cv2.resize(random.uniform(1 - 0.75 * lost, 1, cells).astype(np.float32), (width, height))
        if grain < 0.5:
            heat -= _grain(height, width, random) * np.float32(0.5 * lost)
        if bands < 0.12:  # rows: the paper moved unevenly
            heat *= 1 - 0.7 * lost * (random.random((height, 1)) < 0.15)
        elif bands < 0.25:  # columns: dots of the head are dead
            heat *= 1 - 0.7 * lost * (random.random((1, width)) < 0.1)
        return (ink * heat.clip(0.3, 1)).astype(np.uint8)
    return ink


def _grain(height: int, width: int, random: np.random.Generator) -> np.ndarray:
    """Noise of paper grain, of random coarseness: absolute values of normal numbers, with mean 0.8."""
    zoom = random.uniform(0.6, 1.6)
    rows, columns = int(height * zoom) + 1, int(width * zoom) + 1
    field = _field(2 ** math.ceil(math.log2(max(rows, columns))))
    y, x = random.integers(0, len(field) - np.array((rows, columns))).tolist()
    return cv2.resize(field[y : y + rows, x : x + columns], (width, height))


@functools.cache
def _field(size: int) -> np.ndarray:
    """Field of noise, ``4 * size`` a side, of which samples take windows."""
    field = abs(np.random.default_rng(5).standard_normal((4 * size, 4 * size), np.float32))
    field.flags.writeable = False
    return field


def _tones(ink: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Maps ink to grey levels of ink and paper, and applies uneven light."""
    kind, level, strength, depth, gamma = random.random(5)
    brightness = (250, 260) if kind < 0.78 else (215, 250) if kind < 0.92 else (130, 215)
    contrast = (0.72, 1.0) if strength < 0.66 else (0.45, 0.75) if strength < 0.92 else (0.24, 0.48)
    paper = 255 + clutter * (brightness[0] + level * (brightness[1] - brightness[0]) - 255)
    share = 1 + clutter * (contrast[0] + depth * (contrast[1] - contrast[0]) - 1)
    grey = paper * (1 - share * _curve(0.6 + 0.8 * gamma)[ink])
    if random.random() < 0.5 * clutter:
        ramp = random.uniform(0.88, 1.04, (2, 2)).astype(np.float32)
        grey *= cv2.resize(ramp, ink.shape[::-1], interpolation=cv2.INTER_LINEAR)
    return grey.clip(0, 255).astype(np.uint8)


def _curve(gamma: float) -> np.ndarray:
    return (np.linspace(0, 1, 256) ** gamma).astype(np.float32)


def _sharpness(grey: Mask, clutter: float, random: np.random.Generator) -> Mask:
    """Applies blur, grain, sharpening, or the hard contrast of black and white scans."""
    height, width = grey.shape
    kind, amount, noise, way = random.random(4)
    sigma = clutter * (height / 32) * (0.75 * amount if kind < 0.8 else 0.6 + 0.9 * amount)
    if sigma > 0.25:
        grey = cv2.GaussianBlur(grey, (0, 0), sigma)
    hard = way < 0.25 * clutter
    dark, light = np.percentile(grey, (3, 80)).tolist()
    strength = clutter * (0.12 * noise * (light - dark) if hard else max(0.0, noise - 0.75) * 20)
    if strength > 0.5:
        grain = (_grain(height, width, random) - 0.8) * np.float32(strength)
        grey = (grey + grain).clip(0, 255).astype(np.uint8)
    if hard:
        middle, steep = dark + (light - dark) * random.uniform(0.35, 0.65), 10 ** random.uniform(0.8, 1.5)
        table = 255 / (1 + np.exp((middle - np.arange(256)) * (steep / max(light - dark, 20))))
        return cv2.LUT(grey, table.astype(np.uint8))
    if way > 1 - 0.22 * clutter:
        return cv2.addWeighted(grey, 2.2, cv2.GaussianBlur(grey, (0, 0), random.uniform(0.7, 1.6)), -1.2, 0)
    return grey


def _tint(picture: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Colours the ink, often blue or violet, and tints the paper slightly."""
    ink = random.uniform((0.2, 0.0, 0.3), (0.8, 0.4, 1.0)) if random.random() < 0.35 else random.uniform(0, 0.1, 3)
    paper = random.uniform(0.95, 1.0) * random.uniform(0.98, 1.0, 3)
    levels = np.arange(256)[:, None]
    table = (255 * ink * random.uniform(0.5, 1) + levels * (paper - ink * 0.9)).clip(0, 255).astype(np.uint8)
    return cv2.LUT(picture, table[None])


def _pen(picture: np.ndarray, random: np.random.Generator) -> None:
    """Draws a thin pen stroke that is not black."""
    height, width, _ = picture.shape
    points = np.sort(random.uniform(0, width, 4)), random.uniform(-0.2, 1.2, 4) * height
    colour = random.integers(60, 200, 3).tolist()
    cv2.polylines(picture, [np.stack(points, axis=1).astype(np.int32)], False, colour, 1, cv2.LINE_AA)
