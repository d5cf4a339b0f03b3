"""Renderer of arithmetic expressions in the style of captchas; needs neither files nor a download.

Sizes are relative to the canvas: 180x60 holds 1 to 12 tokens.
"""

import dataclasses
import functools
import math
from typing import NamedTuple

import cv2
import numpy as np

from datasets.synthetic.stream import RenderedStream, StreamConfig

PLAIN_FRACTION = 0.7
"""Share of expressions in the plain form: three one-digit operands, two operators, at most one pair of parentheses."""
ROTATION = 15.0
"""Maximum rotation of a glyph in degrees, either way; too little for a 6 to look like a 9, or a + like a *."""
CONTRAST = 90.0
"""Minimum difference of luma (0 to 255) between glyphs and background, except for rounding, before blur and noise."""

_FACES = (("sans", 300), ("sans", 450), ("sans", 600), ("italic", 350), ("italic", 550), ("uni", 400))
_LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601, RGB
_MARGIN = 3  # pixels between glyphs and canvas edge
_MIDDLE = 0.365  # half the height of a digit, in ems: height of the line on which glyphs are centred


@dataclasses.dataclass
class ArithmeticConfig(StreamConfig):
    """Settings of rendered expressions; the canvas has at least 72x24 pixels."""

    height: int = 60
    width: int = 180


class Arithmetic(RenderedStream[ArithmeticConfig]):
    """The stream of rendered expressions.

    Example:
      >>> source = Arithmetic(ArithmeticConfig(count=1000, seed=7))
      >>> image, text, origin = source[0]  # uint8 60 180 3
    """

    name = "arithmetic"
    smallest = 24, 72

    def draw(self, random: np.random.Generator) -> tuple[np.ndarray, str]:
        """Draws an expression."""
        text = draw_expression(random)
        return _render(text, self._config, random), text


def draw_expression(random: np.random.Generator) -> str:
    """Draws a valid expression of 1 to 12 tokens.

    It has either the plain form, or 1 to 4 operands of one or two digits and possibly a final ``=``. Expressions of two
    or three operands may have parentheses around two neighbours.
    """
    plain = random.random() < PLAIN_FRACTION
    parenthesised, equals = random.random(2) < 0.5
    count = 3 if plain else int(random.integers(1, 5))
    numbers = random.integers(0, 10 if plain else 100, count)
    if not plain:
        numbers = np.where(random.random(count) < 0.5, numbers // 10, numbers)
    operands = [str(number) for number in numbers.tolist()]
    if parenthesised and 2 <= count <= 3:
        first = int(random.integers(count - 1))
        operands[first] = "(" + operands[first]
        operands[first + 1] += ")"
    operators = ["+-*"[k] for k in random.integers(0, 3, count - 1).tolist()]
    ending = "=" if equals and not plain else ""
    return "".join(operand + operator for operand, operator in zip(operands, [*operators, ending], strict=True))


def _render(text: str, config: StreamConfig, random: np.random.Generator) -> np.ndarray:
    """Renders a text, dark on light; a minority of images is then inverted, which keeps the contrast."""
    opacity, column_glyph = _draw_glyphs(lay_out(text, config, random), config)
    shade = 12.0 * config.clutter
    light = random.uniform(CONTRAST + 2 * shade + 50, 255 - shade)
    dark = random.uniform(0, light - shade - CONTRAST, len(text) if random.random() < 0.4 else 1)
    ink = _colours(dark, random)[column_glyph % len(dark)]  # W 3: each column in the colour of its glyph
    paper = _paper(_colours(np.array([light]), random), shade, config, random)
    inked = cv2.multiply(np.repeat(ink[None], config.height, axis=0), opacity, scale=1 / 255)
    image = cv2.add(inked, cv2.multiply(paper, cv2.bitwise_not(opacity), scale=1 / 255))
    if config.clutter > 0:
        _scribble(image, dark[0], light, config.clutter, random)
    if random.random() < 0.2:
        image = cv2.bitwise_not(image)
    return _degrade(image, config.clutter, random) if config.clutter > 0 else image


class _Glyph(NamedTuple):
    mask: np.ndarray  # uint8, cropped to the ink
    drop: float  # distance of the ink's centre below the middle line, pixels


class Layout(NamedTuple):
    """Positions of ``N`` glyphs. Pairs are x before y."""

    masks: list[np.ndarray]
    maps: np.ndarray  # N 2 3, affine maps from mask to patch
    corners: np.ndarray  # 2 N, left and top of the patch on the canvas
    patches: np.ndarray  # 2 N, width and height of the patch
    edges: np.ndarray  # N-1, columns at which the colour of one glyph changes to that of the next


@functools.lru_cache(maxsize=8192)
def _glyph(character: str, face: tuple[str, int], size: int) -> _Glyph:
    """Draws one upright character, ``size`` pixels per em."""
    # The font face is made here because OpenCV's font engine is bound to the calling thread.
    canvas = np.zeros((2 * size, 2 * size), np.uint8)
    baseline = size + size // 2
    name, weight = face
    cv2.putText(canvas, character, (size // 2, baseline), (255,), cv2.FontFace(name), size, weight)
    x, y, width, height = cv2.boundingRect(canvas)
    mask = canvas[y : y + height, x : x + width].copy()
    mask.flags.writeable = False
    return _Glyph(mask, y + height / 2 - baseline + _MIDDLE * size)


def lay_out(text: str, config: StreamConfig, random: np.random.Generator) -> Layout:
    """Draws faces, sizes, rotations and gaps, shrinks a line that does not fit, and places it at random."""
    count = len(text)
    size = random.uniform(0.65, 1.0) * min(0.8 * config.height, config.width / (0.5 * count))  # pixels per em
    master = 4 * math.ceil(size / 4)  # few cached sizes; the affine map does the rest
    faces = random.integers(0, len(_FACES), count).tolist()
    if random.random() < 0.6:
        faces = faces[:1] * count
    glyphs = [_glyph(character, _FACES[face], master) for character, face in zip(text, faces, strict=True)]

    spread = random.uniform(-1, 1, (4, count))
    angle = math.radians(ROTATION) * spread[0]
    scale = size / master * (1 + 0.12 * spread[1])
    gap = size * (0.13 + 0.17 * spread[2])  # distance to the previous glyph; negative ones overlap slightly
    gap[0] = 0
    middle = scale * [glyph.drop for glyph in glyphs] + 0.1 * size * spread[3]
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])  # 2 2 N
    boxes = np.array([glyph.mask.shape[::-1] for glyph in glyphs]).T  # 2 N
    spans = scale * (abs(turn) * boxes).sum(axis=1)  # 2 N: upright boxes around the rotated glyphs
    right = (spans[0] + gap).cumsum()
    top = (middle - spans[1] / 2).min()
    extent = np.array([right[-1], (middle + spans[1] / 2).max() - top])

    free = np.array([config.width, config.height]) - 2 * _MARGIN
    fit = min(1.0, (free / extent).min())
    origin = _MARGIN + random.random(2) * (free - fit * extent)
    centres = origin[:, None] + fit * np.array([right - spans[0] / 2, middle - top])
    corners = np.floor(centres - fit * spans / 2) - 1
    maps = np.empty((count, 2, 3))
    maps[:, :, :2] = (fit * scale * turn).transpose(2, 0, 1)
    maps[:, :, 2] = (centres - 0.5 - corners).T - (maps[:, :, :2] @ ((boxes.T - 1) / 2)[:, :, None])[:, :, 0]
    edges = origin[0] + fit * (right - spans[0] - gap / 2)[1:]
    patches = np.ceil(fit * spans) + 3
    return Layout([glyph.mask for glyph in glyphs], maps, corners.astype(int), patches.astype(int), edges)


def _draw_glyphs(layout: Layout, config: StreamConfig) -> tuple[np.ndarray, np.ndarray]:
    """Returns the opacity, uint8 ``H W 3`` with equal channels, and the glyph index of each column, ``W``."""
    opacity = np.zeros((config.height, config.width), np.uint8)
    boxes = np.concatenate([layout.corners, layout.patches]).T.tolist()
    for mask, affine, (x, y, width, height) in zip(layout.masks, layout.maps, boxes, strict=True):
        area = opacity[y : y + height, x : x + width]
        np.maximum(area, cv2.warpAffine(mask, affine, (width, height)), out=area)
    return cv2.merge([opacity] * 3), layout.edges.searchsorted(np.arange(config.width))


def _colours(luma: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Random colours of the given luma (``N``, 0 to 255): uint8 ``N 3``, RGB."""
    return _palette()[luma.astype(int), random.integers(0, 256, len(luma))]


@functools.lru_cache(maxsize=1)
def _palette() -> np.ndarray:
    """Colours by luma and tint, uint8 ``256 256 3``: 256 tints, grey to vivid, of each luma."""
    random = np.random.default_rng(0)
    tint = random.uniform(-1, 1, (256, 3))
    tint -= (tint @ _LUMA)[:, None]
    luma = np.arange(256.0)[:, None, None]
    room = (np.where(tint > 0, 255 - luma, luma) / abs(tint)).min(axis=2, keepdims=True)
    palette = np.rint(luma + random.uniform(0, 0.9, (256, 1)) * room * tint).astype(np.uint8)
    palette.flags.writeable = False
    return palette


def _paper(colour: np.ndarray, shade: float, config: StreamConfig, random: np.random.Generator) -> np.ndarray:
    """Background of one colour, locally up to ``shade`` lighter or darker."""
    cells = colour + random.uniform(-shade, shade, (3, 6, 1))
    return cv2.resize(cells.clip(0, 255).astype(np.uint8), (config.width, config.height))


def _scribble(image: np.ndarray, dark: float, light: float, clutter: float, random: np.random.Generator) -> None:
    """Draws specks and lines into ``image``. Lines span half the canvas or more, so that none looks like a minus."""
    height, width, _ = image.shape
    lines, dots, specks = (random.random(3) * (4, 9, 50) * clutter).astype(int).tolist()
    colours = _colours(random.uniform(dark, light, lines + dots + specks), random)
    strokes = colours[: lines + dots].tolist()
    ends = random.random((lines, 4)) * (0.25 * width, height, 0.25 * width, height) + (0, 0, 0.75 * width, 0)
    for (x, y, to_x, to_y), colour in zip(ends.astype(int).tolist(), strokes[:lines], strict=True):
        cv2.line(image, (x, y), (to_x, to_y), colour, 1, cv2.LINE_AA)
    x, y = (random.random((2, dots + specks)) * [[width], [height]]).astype(int)
    for centre, colour in zip(zip(x[:dots].tolist(), y[:dots].tolist(), strict=True), strokes[lines:], strict=True):
        cv2.circle(image, centre, 1, colour, cv2.FILLED)
    image[y[dots:], x[dots:]] = colours[lines + dots :]


def _degrade(image: np.ndarray, clutter: float, random: np.random.Generator) -> np.ndarray:
    """Blurs the image and adds sensor noise."""
    height, width, _ = image.shape
    blur, strength, left, top = random.random(4) * (clutter, clutter, width, height)
    if blur > 0.3:
        image = cv2.GaussianBlur(image, (3, 3), blur)
    x, y = int(left), int(top)
    noise = _noise(height, width)[y : y + height, x : x + width]
    return cv2.addWeighted(image, 1.0, noise, 0.25 * strength, -32.0 * strength)


@functools.lru_cache(maxsize=8)
def _noise(height: int, width: int) -> np.ndarray:
    """Fixed field of noise with mean 128 and deviation 30, four canvases large; samples take windows of it."""
    noise = np.random.default_rng(0).normal(128, 30, (2 * height, 2 * width, 3)).clip(0, 255).astype(np.uint8)
    noise.flags.writeable = False
    return noise
