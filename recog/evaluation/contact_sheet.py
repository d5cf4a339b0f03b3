"""Contact sheet: pictures with their predictions, to see mistakes at a glance."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

CELL = (240, 96)
"""Width and height, in pixels, of a cell for a line of text: the picture with its caption below."""
PICTURE_CELL = (320, 270)
"""Width and height, in pixels, of a cell for a whole photograph."""
CAPTION = 26
"""Height of the caption in pixels."""
RIGHT, WRONG, PLAIN = (20, 110, 40), (190, 30, 30), (60, 60, 60)
"""RGB colours of captions: prediction equal to the label, different from it, and without a label."""
PAPER = 250
"""Grey level of the background, 0 to 255."""
LARGEST, SMALLEST = 17, 9
"""Maximum and minimum font size of captions in pixels."""


class Tile(NamedTuple):
    """One picture of the sheet with its caption."""

    image: UInt8[np.ndarray, "H W C"]
    """Grayscale or RGB."""
    text: str
    """Prediction."""
    label: str | None = None
    """True text: the caption is green if the prediction equals it, otherwise red with both texts. None if unknown."""
    confidence: float | None = None
    """Probability of the prediction, 0 to 1, to be shown; None shows none."""


def contact_sheet(tiles: Sequence[Tile], columns: int = 6, cell: tuple[int, int] = CELL) -> UInt8[np.ndarray, "H W 3"]:
    """Draws tiles row by row, RGB; captions may use all characters of OpenCV's built-in fonts, Chinese included.

    Args:
      tiles: at least one, in reading order.
      columns: cells in a row.
      cell: width and height of a cell in pixels.

    Raises:
      ValueError: there are no tiles.
    """
    if not tiles:
        raise ValueError("a contact sheet needs at least one picture")
    cells = [_cell(tile, cell) for tile in tiles]
    blank = np.full_like(cells[0], PAPER)
    cells += [blank] * (-len(cells) % columns)
    rows = [np.hstack(cells[start : start + columns]) for start in range(0, len(cells), columns)]
    return np.vstack(rows)


def write_contact_sheet(
    path: str | Path, tiles: Sequence[Tile], columns: int = 6, cell: tuple[int, int] = CELL
) -> None:
    """Writes the sheet as a PNG."""
    sheet = contact_sheet(tiles, columns, cell)
    encoded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))[1]
    Path(path).write_bytes(encoded.tobytes())


def _cell(tile: Tile, size: tuple[int, int]) -> UInt8[np.ndarray, "H W 3"]:
    width, height = size
    cell = np.full((height, width, 3), PAPER, np.uint8)
    image = tile.image if tile.image.shape[2] == 3 else np.repeat(tile.image, 3, axis=2)
    scale = min((width - 12) / image.shape[1], (height - CAPTION - 8) / image.shape[0])
    fitted = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    small = cv2.resize(image, fitted, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    left, top = (width - fitted[0]) // 2, (height - CAPTION - fitted[1]) // 2
    cell[top : top + fitted[1], left : left + fitted[0]] = small
    _write(cell, *_caption(tile))
    return cell


def _caption(tile: Tile) -> tuple[str, tuple[int, int, int]]:
    text = tile.text or "(empty)"
    if tile.confidence is not None:
        text += f" {100 * tile.confidence:.1f} %"
    if tile.label is None:
        return text, PLAIN
    return (text, RIGHT) if tile.text == tile.label else (f"{text} ≠ {tile.label}", WRONG)


def _write(cell: UInt8[np.ndarray, "H W 3"], text: str, colour: tuple[int, int, int]) -> None:
    """Writes the caption, centred; long texts in a smaller font, very long ones truncated."""
    height, width = cell.shape[:2]
    font, available = cv2.FontFace("uni"), width - 8
    size = next((s for s in range(LARGEST, SMALLEST, -1) if _width(text, font, s) <= available), SMALLEST)
    while _width(text, font, size) > available:
        text = text[: len(text) * 9 // 10 - 1] + "…"
    left = (width - _width(text, font, size)) // 2
    cv2.putText(cell, text, (left, height - 9), colour, font, size)


def _width(text: str, font: cv2.FontFace, size: int) -> int:
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), font, size)
    return left + width
