"""Photographs with the outlines and texts of their plates."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8

from recog.codecs import BoxLabel, LabelledBox
from recog.outlines import outlined
from recog.serving.plate_reader import Plate

COLOUR, INK = (255, 210, 0), (0, 0, 0)
"""RGB colours of outlines and the ground of texts, and of the texts."""
SMALL = 480
"""Width or height, the larger one, in pixels to which smaller photographs are enlarged, so that texts can be read."""
PER_LETTER = 36
"""Width or height of a photograph, the larger one, per pixel of the font size."""
LEAST = 16
"""Minimum font size in pixels."""


def draw_plates(picture: UInt8[np.ndarray, "H W C"], plates: Sequence[Plate]) -> UInt8[np.ndarray, "Y X 3"]:
    """Photograph with an outline around each plate and its text above it, or below it where there is no room above.

    Texts may use all characters of OpenCV's built-in fonts, Chinese included. Small photographs are enlarged.

    Args:
      picture: grayscale or RGB, in its own size.
      plates: plates in its pixels.
    """
    factor = max(1, -(-SMALL // max(picture.shape[:2])))
    large = picture.repeat(factor, axis=0).repeat(factor, axis=1)
    corners = [np.array(plate.corners, np.float32) * factor for plate in plates]
    labels = [LabelledBox(each, plate.name) for each, plate in zip(corners, plates, strict=True)]
    shown = outlined(large, BoxLabel(tuple(labels)), COLOUR, longest=0)
    for plate, each in zip(plates, corners, strict=True):
        _write(shown, f"{plate.text} {max(plate.confidence, 0):.0%}" if plate.text else plate.name, each)
    return shown


class DrawnFolder:
    """A folder to which photographs are drawn, each under a name of its own.

    Args:
      folder: folder, created if missing.
      sources: paths of the photographs, none of which may lie in the folder.

    Raises:
      ValueError: a photograph lies in the folder, where it could be overwritten.
    """

    def __init__(self, folder: str | Path, sources: Sequence[Path]):
        self.folder = Path(folder)
        inside = [path for path in sources if path.resolve().parent == self.folder.resolve()]
        if inside:
            raise ValueError(f"{inside[0]} would be overwritten by its drawing: choose another folder than {folder}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._used: set[str] = set()

    def write(
        self, path: Path, picture: UInt8[np.ndarray, "H W C"], plates: Sequence[Plate], frame: int | None = None
    ) -> Path:
        """Draws a photograph as a JPEG; returns the file.

        Args:
          path: file of the photograph, whose name the drawing gets.
          picture: its pixels, as `draw_plates` takes them.
          plates: its plates.
          frame: number of the frame if the file is a video.
        """
        stem = path.stem if frame is None else f"{path.stem}_{frame:06d}"
        name, number = stem, 1
        while name.casefold() in self._used:  # of another folder, or with another suffix
            number += 1
            name = f"{stem}-{number}"
        self._used.add(name.casefold())
        file = self.folder / f"{name}.jpg"
        pixels = cv2.cvtColor(draw_plates(picture, plates), cv2.COLOR_RGB2BGR)
        file.write_bytes(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes())
        return file


def _write(picture: UInt8[np.ndarray, "H W 3"], text: str, corners: np.ndarray) -> None:
    """Writes a text on a filled ground beside a quadrilateral, inside the picture; in a smaller font if it is long."""
    rows, columns = picture.shape[:2]
    font, size = cv2.FontFace("uni"), max(LEAST, round(max(rows, columns) / PER_LETTER))
    gap = max(2, size // 5)
    while (width := _width(text, font, size) + 2 * gap) > columns and size > LEAST // 2:
        size -= 1
    height = size + 2 * gap
    left, top, _, bottom = np.concatenate([corners.min(axis=0), corners.max(axis=0)]).round().astype(int).tolist()
    above, below = top - gap - height, bottom + gap
    y = above if above >= 0 else below if below + height <= rows else max(0, min(top, rows - height))
    x = max(0, min(left, columns - width))
    cv2.rectangle(picture, (x, y), (x + width - 1, y + height - 1), COLOUR, cv2.FILLED)
    cv2.putText(picture, text, (x + gap, y + gap + round(0.85 * size)), INK, font, size, 500)


def _width(text: str, font: cv2.FontFace, size: int) -> int:
    left, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), font, size, 500)
    return left + width
