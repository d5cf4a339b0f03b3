"""Labels as pictures: targets of graphic supervision (LPRNet with a drawing decoder, PeerJ Computer Science 2024).

Glyphs are drawn once, on the host, into an atlas; labels are composed from it on the device, so that neither the data
stream nor the batch contains drawings. The text's box is estimated from the mean of the training pictures.
"""

import functools
from typing import NamedTuple

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int, UInt8

from recog.alphabet import Alphabet

FONT, WEIGHT = "sans", 400
"""OpenCV's built-in face and its weight. Every face takes Chinese from "uni", whose own Latin letters are smaller and
thinner than those of "sans"."""

_MARGIN = 1
"""Empty pixels on every side of an atlas cell."""
_MEASURE = 128
"""Font size, in pixels, at which glyphs are measured."""
_PLACEHOLDER = "?"
"""Character that OpenCV draws in place of those that no built-in face has."""


class Box(NamedTuple):
    """A rectangle of whole pixels: rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``."""

    top: int
    left: int
    bottom: int
    right: int


@functools.lru_cache(maxsize=8)
def glyph_atlas(alphabet: Alphabet, height: int = 32, width: int = 32) -> Float32[np.ndarray, "K {height} {width}"]:
    """Draws every token once: ink 0 to 1, one cell per class id; the blank's cell is empty.

    All glyphs share one baseline and one scale, the largest at which the alphabet fits, so that thin characters stay
    thin and low ones low; each is centred horizontally in its cell. Tokens of several characters shrink to fit, and
    white space is an empty cell.

    Args:
      alphabet: tokens to draw.
      height: rows of a cell in pixels, at least 8: about twice the height of a character in the final drawing.
      width: columns of a cell in pixels, at least 8.

    Returns:
      A read-only array, cached by the arguments.

    Raises:
      ValueError: OpenCV's fonts lack a token, or the cells are too small.
    """
    if min(height, width) < 8:
        raise ValueError(f"atlas cells of {width}x{height} pixels cannot hold a glyph: use at least 8x8")
    atlas = np.zeros((alphabet.classes, height, width), np.float32)
    inked = {token: _ink(token, _MEASURE) for token in alphabet.tokens if not token.isspace()}
    if inked:
        top, bottom = min(ink.top for ink in inked.values()), max(ink.bottom for ink in inked.values())
        widest = max((ink.width for token, ink in inked.items() if len(token) == 1), default=1)
        rows, columns = height - 2 * _MARGIN, width - 2 * _MARGIN
        scale = min(rows / (bottom - top), columns / widest)
        for token, ink in inked.items():
            own_scale = min(scale, columns / ink.width)
            glyph = _ink(token, max(1, int(own_scale * _MEASURE)))
            middle = own_scale * (top + bottom) / 2  # centre of the line, in pixels below the baseline
            _paste(glyph, atlas[alphabet.encode(token)[0]], middle)
    atlas.flags.writeable = False
    return atlas


def draw_labels(
    atlas: Float32[np.ndarray, "K G D"],
    labels: Int[Array, "B L"],
    label_lengths: Int[Array, " B"],
    *,
    size: tuple[int, int],
    box: Box,
) -> Float[Array, "B H W"]:
    """Draws labels into a box, ink 0 to 1; zero outside it and for empty labels. Meant to be called under jit.

    The box is divided evenly among a label's characters, and their cells are stretched to fit. A pixel is the exact
    mean of the ink that it covers, over any number of characters: a difference of the cumulative ink along the line.

    Args:
      atlas: cells from `glyph_atlas`; a host array, so that it becomes a constant of the compiled program.
      labels: class ids; slots beyond a label's length are ignored.
      label_lengths: characters of each label, at most ``L``.
      size: height and width of the drawings in pixels.
      box: rectangle for the text.

    Raises:
      ValueError: the box is empty or reaches beyond the drawing.
    """
    _check_box(box, size)
    width = box.right - box.left
    running = jnp.asarray(_running_ink(atlas, box.bottom - box.top))  # K D+1 Y
    cells = running.shape[1] - 1
    counts = label_lengths[:, None]
    edges = jnp.arange(width + 1) / width * counts  # B X+1: left and right of each column, in characters
    slots = jnp.clip(jnp.floor(edges).astype(jnp.int32), 0, jnp.maximum(counts - 1, 0))
    tokens = jnp.take_along_axis(labels, slots, axis=1)
    inside = (edges - slots) * cells
    column = jnp.minimum(jnp.floor(inside).astype(jnp.int32), cells - 1)
    low, high = running[tokens, column], running[tokens, column + 1]  # B X+1 Y
    whole = running[labels, -1]  # B L Y: all ink of each character
    before = jnp.take_along_axis(jnp.cumsum(whole, axis=1) - whole, slots[:, :, None], axis=1)
    total = before + low + (inside - column)[:, :, None] * (high - low)
    drawn = (total[:, 1:] - total[:, :-1]) * (width / jnp.maximum(counts, 1))[:, :, None]
    around = ((0, 0), (box.top, size[0] - box.bottom), (box.left, size[1] - box.right))
    return jnp.pad(jnp.clip(drawn, 0, 1).transpose(0, 2, 1), around)


def alignment_box(
    mean: UInt8[np.ndarray, "H W *C"] | Float[np.ndarray, "H W *C"], *, rows: float = 0.5, columns: float = 0.25
) -> Box:
    """Box of the characters in the mean picture of a training set: grayscale, binarised, projected on both axes.

    Otsu's threshold separates the picture into light and dark. Text does not touch the border all around, so the part
    with fewer border pixels is taken as characters, whether lighter or darker (the smaller part if both have as many).

    Args:
      mean: pixels 0 to 255, grayscale or RGB.
      rows: share, above 0 and at most 1, of the fullest row's character pixels that a row of the box needs. One half,
        because slanted pictures smear the upper and lower edges of the line over several rows.
      columns: like ``rows`` for columns; lower, because the positions of the outermost characters vary most.

    Returns:
      The box from the first to the last such row and column; the whole picture if it has no contrast.

    Raises:
      ValueError: a share is not in its range.
    """
    if not (0 < rows <= 1 and 0 < columns <= 1):
        raise ValueError(f"rows={rows}, columns={columns}: choose shares above 0 and at most 1")
    pixels = np.asarray(mean, np.float32)
    colours = pixels.ndim == 3 and pixels.shape[2] == 3
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY) if colours else pixels.reshape(pixels.shape[:2])
    darkest, contrast = gray.min(), np.ptp(gray)
    if contrast < 1:  # less than one step of an 8-bit pixel
        return Box(0, 0, *gray.shape)
    levels = np.rint((gray - darkest) * (255 / contrast)).astype(np.uint8)
    light = cv2.threshold(levels, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1].astype(bool)
    rim = np.ones_like(light)
    rim[1:-1, 1:-1] = False
    characters = min(light, ~light, key=lambda part: (part[rim].mean(), part.mean()))
    top, bottom = _extent(characters.sum(axis=1), rows)
    left, right = _extent(characters.sum(axis=0), columns)
    return Box(top, left, bottom, right)


class _Ink(NamedTuple):
    """Drawn token, cropped to its ink."""

    pixels: np.ndarray
    """Ink, uint8."""
    top: int
    """First row, in pixels below the baseline; negative above it."""

    @property
    def bottom(self) -> int:
        return self.top + self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


def _ink(token: str, size: int) -> _Ink:
    """Draws a token at a font size in pixels."""
    if missing := [c for c in token if c != _PLACEHOLDER and not c.isspace() and _is_missing(c)]:
        raise ValueError(
            f"OpenCV's built-in fonts cannot draw {missing[0]!r} of token {token!r}: "
            "take the token out of the alphabet or train without the drawing loss"
        )
    drawn = _put(token, size)
    x, y, width, height = cv2.boundingRect(drawn)
    return _Ink(drawn[y : y + height, x : x + width], y - 2 * size)


def _put(text: str, size: int) -> np.ndarray:
    """Draws text on a canvas large enough for all of it, the baseline ``2 * size`` below the top."""
    canvas = np.zeros((3 * size, (2 + 2 * len(text)) * size), np.uint8)
    # The face is made here because its engine belongs to the calling thread.
    cv2.putText(canvas, text, (size, 2 * size), (255,), cv2.FontFace(FONT), size, WEIGHT)
    return canvas


@functools.cache
def _is_missing(character: str) -> bool:
    drawn = _put(character, _MEASURE)
    return not drawn.any() or np.array_equal(drawn, _put(_PLACEHOLDER, _MEASURE))


def _paste(glyph: _Ink, cell: np.ndarray, middle: float) -> None:
    """Copies a glyph into its cell, so that ``middle`` (pixels below the baseline) is at half the cell's height."""
    height, width = glyph.pixels.shape
    top = round(cell.shape[0] / 2 - middle) + glyph.top
    top = min(max(top, 0), cell.shape[0] - height)  # rounding may take it a pixel too far
    left = (cell.shape[1] - width) // 2
    cell[top : top + height, left : left + width] = glyph.pixels / np.float32(255)


def _running_ink(atlas: Float32[np.ndarray, "K G D"], height: int) -> Float32[np.ndarray, "K D+1 Y"]:
    """Cumulative ink left of each column edge of a cell, as a share of a full cell, for cells scaled to ``height``."""
    cells, columns = atlas.shape[1:]
    start = np.arange(height)[:, None] * (cells / height)  # upper edge of each row, in rows of the cell
    source = np.arange(cells)
    cover = np.minimum(start + cells / height, source + 1) - np.maximum(start, source)  # Y G: overlap
    rows = np.einsum("yg,kgd->kdy", np.maximum(cover, 0) * (height / cells), atlas.astype(np.float64))
    running = np.cumsum(rows, axis=1) / columns
    return np.pad(running, ((0, 0), (1, 0), (0, 0))).astype(np.float32)


def _extent(profile: np.ndarray, share: float) -> tuple[int, int]:
    """First index with at least this share of a projection's peak, and one past the last such index."""
    indices = np.flatnonzero(profile >= share * profile.max())
    return int(indices[0]), int(indices[-1]) + 1


def _check_box(box: Box, size: tuple[int, int]) -> None:
    if not (0 <= box.top < box.bottom <= size[0] and 0 <= box.left < box.right <= size[1]):
        raise ValueError(f"{box} is empty or reaches beyond a drawing of {size[1]}x{size[0]} pixels")
