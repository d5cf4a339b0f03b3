"""Matrices of shares as pictures with named rows and columns: heat maps of frames, and confusions.

Drawn by OpenCV in a few milliseconds, because training waits for them; its built-in font has Chinese.
"""

from collections.abc import Sequence

import cv2
import matplotlib as mpl
import numpy as np
from jaxtyping import Float, Int, UInt8

PAPER, INK = 250, (60, 60, 60)
"""Grey level of the background, and colour of text, 0 to 255."""
COLOURS = mpl.colormaps["Blues"]
"""Colours of shares from 0 to 1."""
FONT_SIZE, LINE = 13, 20
"""Font size and height of a line of text in pixels."""
LONGEST_NAME = 16
"""Maximum number of characters of a name; longer ones are truncated."""
GAP = 12
"""Pixels between pictures."""
DARK = 0.5
"""Share from which a cell is so dark that its number is white."""


def matrix_picture(
    shares: Float[np.ndarray, "R C"],
    rows: Sequence[str],
    columns: Sequence[str] = (),
    *,
    title: str = "",
    cell: tuple[int, int] = (28, 24),
    numbers: Int[np.ndarray, "R C"] | None = None,
    above: UInt8[np.ndarray, "A W 3"] | None = None,
) -> UInt8[np.ndarray, "H W 3"]:
    """Draws a matrix, its rows named on the left and its columns below; RGB.

    Args:
      shares: values 0 to 1, from white to dark blue.
      rows: a name for each row.
      columns: a name for each column; none leaves them without names.
      title: line of text above the matrix.
      cell: width and height of a cell in pixels.
      numbers: number to write into each cell, such as the count behind its share; zeros are left out.
      above: picture as wide as the cells, to be shown on top of them.

    Raises:
      ValueError: the matrix is empty.
    """
    if not shares.size:
        raise ValueError(f"a matrix of shape {shares.shape} cannot be drawn: it has no cells")
    width, height = cell
    coloured = (255 * COLOURS(np.clip(shares, 0, 1))[..., :3]).astype(np.uint8)
    cells = coloured.repeat(height, axis=0).repeat(width, axis=1)
    if numbers is not None:
        for (row, column), value in np.ndenumerate(numbers):
            if value:
                place = (column * width + width // 2, row * height + height // 2)
                _put(cells, _short(int(value)), place, (255, 255, 255) if shares[row, column] > DARK else (0, 0, 0))
    beside = _names(rows, height)
    parts = [np.hstack([beside, cells])]
    if above is not None:
        parts.insert(0, _padded(above, left=beside.shape[1]))
    if columns:
        parts.append(_padded(_names_below(columns, width), left=beside.shape[1]))
    if title:
        parts.insert(0, _line(title))
    whole = max(part.shape[1] for part in parts)
    return np.vstack([_padded(part, right=whole - part.shape[1]) for part in parts])


def in_columns(pictures: Sequence[UInt8[np.ndarray, "H W 3"]], columns: int) -> UInt8[np.ndarray, "Y X 3"]:
    """Arranges pictures of any sizes row by row, each at the top left of its place.

    Args:
      pictures: at least one, in reading order.
      columns: pictures in a row.
    """
    height, width = (max(picture.shape[axis] for picture in pictures) + GAP for axis in (0, 1))
    even = [_padded(picture, right=width - picture.shape[1], below=height - len(picture)) for picture in pictures]
    even += [np.full_like(even[0], PAPER)] * (-len(even) % columns)
    return np.vstack([np.hstack(even[start : start + columns]) for start in range(0, len(even), columns)])


def _padded(
    picture: UInt8[np.ndarray, "H W 3"], left: int = 0, right: int = 0, below: int = 0
) -> UInt8[np.ndarray, "Y X 3"]:
    return np.pad(picture, [(0, below), (left, right), (0, 0)], constant_values=PAPER)


def _line(text: str) -> UInt8[np.ndarray, "H W 3"]:
    line = np.full((LINE + 4, _width(text) + 8, 3), PAPER, np.uint8)
    cv2.putText(line, text, (4, LINE - 4), INK, cv2.FontFace("uni"), FONT_SIZE)
    return line


def _names(names: Sequence[str], height: int) -> UInt8[np.ndarray, "H W 3"]:
    """Names flush right, one below the other, each in a line of this height."""
    shown = ["space" if name.isspace() else name for name in names]
    shown = [name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…" for name in shown]
    width = max(map(_width, shown)) + 12
    picture = np.full((len(shown) * height, width, 3), PAPER, np.uint8)
    for number, name in enumerate(shown):
        _put(picture, name, (width - 6 - _width(name) // 2, number * height + height // 2), INK)
    return picture


def _names_below(names: Sequence[str], width: int) -> UInt8[np.ndarray, "H W 3"]:
    """Names side by side in columns of this width: short ones upright, others turned."""
    tiles = [
        _upright(name, width) if len(name.strip()) in (1, 2) else np.rot90(_names([name], width)) for name in names
    ]
    height = max(len(tile) for tile in tiles)
    return np.hstack([_padded(tile, below=height - len(tile)) for tile in tiles])


def _upright(name: str, width: int) -> UInt8[np.ndarray, "H W 3"]:
    tile = np.full((LINE, width, 3), PAPER, np.uint8)
    _put(tile, name, (width // 2, LINE // 2), INK)
    return tile


def _put(picture: UInt8[np.ndarray, "H W 3"], text: str, centre: tuple[int, int], colour: tuple[int, ...]) -> None:
    place = centre[0] - _width(text) // 2, centre[1] + FONT_SIZE // 3 + 1
    cv2.putText(picture, text, place, colour, cv2.FontFace("uni"), FONT_SIZE)


def _width(text: str) -> int:
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), cv2.FontFace("uni"), FONT_SIZE)
    return left + width


def _short(value: int) -> str:
    """A number with at most three characters, or four above 99,999."""
    return str(value) if value < 1000 else f"{value // 1000}k"
