"""Labels as pictures: the targets of graphic supervision (LPRNet with a drawing decoder, PeerJ Computer Science 2024).

Glyphs are drawn once, on the host, into an atlas; labels are laid out from it on the device, so that neither the data
stream nor the batch knows of drawings. Where the text goes is found from the mean of the training pictures.
"""

import functools
from typing import NamedTuple

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Float32, Int, UInt8

from recog.alphabet import Alphabet

FONT, WEIGHT = "sans", 400
"""All of OpenCV's built-in faces take Chinese from "uni". The Latin letters of "sans" go better with it than its own,
which are smaller and thinner."""

_MARGIN = 1  # pixels left free on every side of an atlas cell
_MEASURE = 128  # font size, in pixels, at which glyphs are measured
_PLACEHOLDER = "?"  # what OpenCV draws for a character that no built-in face has


class Box(NamedTuple):
    """A rectangle of whole pixels: rows ``top`` to ``bottom - 1``, columns ``left`` to ``right - 1``."""

    top: int
    left: int
    bottom: int
    right: int


@functools.lru_cache(maxsize=8)
def glyph_atlas(alphabet: Alphabet, height: int = 32, width: int = 32) -> Float32[np.ndarray, "K {height} {width}"]:
    """Draws every token once: ink 0 to 1, one cell per class id, nothing in the blank's.

    All glyphs stand on one baseline and have one scale, the largest at which the alphabet fits, so that thin characters
    stay thin and low ones low; each is centred between the sides of its cell. Tokens of several characters shrink until
    they fit, and white space is an empty cell.

    Args:
      alphabet: whose tokens are drawn.
      height: rows of a cell in pixels, at least 8: about twice what a character takes when it is drawn.
      width: columns of a cell in pixels, at least 8.

    Returns:
      A read-only array, the same one for the same arguments.

    Raises:
      ValueError: OpenCV's fonts have no picture of a token, or the cells are too small.
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
            middle = own_scale * (top + bottom) / 2  # of the line, below the baseline
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
    """Writes labels into a box, ink 0 to 1; nothing around it, nor for empty labels. Meant to be called under jit.

    The box is divided evenly among a label's characters, whose cells are stretched to fit. A pixel is the exact mean of
    what it covers, however many characters that are: the area under the running sum of ink along the line.

    Args:
      atlas: what `glyph_atlas` drew; on the host, so that it becomes a constant of the compiled program.
      labels: class ids; those beyond a label's length are ignored.
      label_lengths: characters of each label, at most ``L``.
      size: height and width of the drawings, pixels.
      box: where the text goes.

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
    """Finds where the characters are from the mean picture of a training set: gray, binarised, projected on both axes.

    Otsu's threshold parts the picture in two. Text does not reach the rim of a picture all around, so the part that has
    less of the outermost pixels is taken for the characters, whether they are lighter or darker (if both have the same,
    the smaller part).

    Args:
      mean: pixels 0 to 255, grayscale or RGB.
      rows: a row belongs to the characters when it has at least this share of the fullest row's character pixels.
        Above 0, at most 1; half, because slanted pictures smear the line's upper and lower edge over several rows.
      columns: the same for columns; less, because the outermost characters vary most in their place.

    Returns:
      From the first to the last such row and column; the whole picture when it has no contrast.

    Raises:
      ValueError: a share is not in its range.
    """
    if not (0 < rows <= 1 and 0 < columns <= 1):
        raise ValueError(f"rows={rows} and columns={columns} are shares: choose above 0 and at most 1")
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
    """A drawn token, cropped to its ink."""

    pixels: np.ndarray  # uint8
    top: int  # first row, below the baseline: negative for what stands on it

    @property
    def bottom(self) -> int:
        return self.top + self.pixels.shape[0]

    @property
    def width(self) -> int:
        return self.pixels.shape[1]


def _ink(token: str, size: int) -> _Ink:
    if missing := [c for c in token if c != _PLACEHOLDER and not c.isspace() and _is_missing(c)]:
        raise ValueError(
            f"OpenCV's built-in fonts cannot draw {missing[0]!r} of token {token!r}: "
            "take the token out of the alphabet or train without the drawing loss"
        )
    drawn = _put(token, size)
    x, y, width, height = cv2.boundingRect(drawn)
    return _Ink(drawn[y : y + height, x : x + width], y - 2 * size)


def _put(text: str, size: int) -> np.ndarray:
    """Text on a canvas that nothing leaves, its baseline ``2 * size`` below the upper edge."""
    canvas = np.zeros((3 * size, (2 + 2 * len(text)) * size), np.uint8)
    # The face is made here because the engine behind it belongs to the calling thread.
    cv2.putText(canvas, text, (size, 2 * size), (255,), cv2.FontFace(FONT), size, WEIGHT)
    return canvas


@functools.cache
def _is_missing(character: str) -> bool:
    drawn = _put(character, _MEASURE)
    return not drawn.any() or np.array_equal(drawn, _put(_PLACEHOLDER, _MEASURE))


def _paste(glyph: _Ink, cell: np.ndarray, middle: float) -> None:
    """Puts a glyph into its cell, ``middle`` (pixels below the baseline) half way down."""
    height, width = glyph.pixels.shape
    top = round(cell.shape[0] / 2 - middle) + glyph.top
    top = min(max(top, 0), cell.shape[0] - height)  # rounding may take it a pixel too far
    left = (cell.shape[1] - width) // 2
    cell[top : top + height, left : left + width] = glyph.pixels / np.float32(255)


def _running_ink(atlas: Float32[np.ndarray, "K G D"], height: int) -> Float32[np.ndarray, "K D+1 Y"]:
    """Ink to the left of each column edge of the cells, as a share of a full cell, for ``height`` rows."""
    cells, columns = atlas.shape[1:]
    start = np.arange(height)[:, None] * (cells / height)  # of each row, in rows of the cell
    source = np.arange(cells)
    cover = np.minimum(start + cells / height, source + 1) - np.maximum(start, source)  # Y G: overlap
    rows = np.einsum("yg,kgd->kdy", np.maximum(cover, 0) * (height / cells), atlas.astype(np.float64))
    running = np.cumsum(rows, axis=1) / columns
    return np.pad(running, ((0, 0), (1, 0), (0, 0))).astype(np.float32)


def _extent(profile: np.ndarray, share: float) -> tuple[int, int]:
    """First place, and the one after the last, where a projection has this share of its peak."""
    places = np.flatnonzero(profile >= share * profile.max())
    return int(places[0]), int(places[-1]) + 1


def _check_box(box: Box, size: tuple[int, int]) -> None:
    if not (0 <= box.top < box.bottom <= size[0] and 0 <= box.left < box.right <= size[1]):
        raise ValueError(f"{box} is empty or reaches beyond a drawing of {size[1]}x{size[0]} pixels")
