"""Outlines of the fonts that matplotlib brings: DejaVu, STIX (after Times) and the typewriter of Computer Modern."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import cv2
import numpy as np
from jaxtyping import UInt8

FontName = Literal["wide", "mono", "serif", "roman", "slanted", "typewriter"]


class Font(NamedTuple):
    """A font in one or two weights."""

    regular: str
    bold: str
    """Name of the bold file; the regular one if there is none."""
    stem: float
    """Width of the stem of the regular weight, as a share of the height of capitals."""
    bold_stem: float
    """Width of the stem of the bold weight."""


FONTS: dict[FontName, Font] = {
    "wide": Font("DejaVuSans", "DejaVuSans-Bold", 0.13, 0.25),
    "mono": Font("DejaVuSansMono", "DejaVuSansMono-Bold", 0.12, 0.22),
    "serif": Font("DejaVuSerif", "DejaVuSerif-Bold", 0.13, 0.25),
    "roman": Font("STIXGeneral", "STIXGeneralBol", 0.11, 0.21),
    "slanted": Font("STIXGeneralItalic", "STIXGeneralBolIta", 0.1, 0.2),
    "typewriter": Font("cmtt10", "cmtt10", 0.1, 0.1),
}
"""Fonts by the name of their family of shapes; the stems are measured on the letter I."""
_SUBPIXEL = 4
"""Binary digits of the fraction of coordinates."""


def write(character: str, family: FontName, weight: float, em: int) -> tuple[UInt8[np.ndarray, "H W"], int]:
    """Draws a character with stems of about ``weight`` times the height of capitals.

    Returns:
      A canvas of two em a side, ink 255, and the row of the baseline.
    """
    font = FONTS[family]
    bold = weight > (font.stem + font.bold_stem) / 2
    side, baseline = 2 * em, em + em // 4
    canvas = np.zeros((side, side), np.uint8)
    corners = [
        np.rint((np.array([em // 4, baseline]) + outline * (1, -1)) * 2**_SUBPIXEL).astype(np.int32)
        for outline in _outlines(character, font.bold if bold else font.regular, em)
    ]
    if corners:
        cv2.fillPoly(canvas, corners, (255,), cv2.LINE_AA, _SUBPIXEL)
    change = round((weight - (font.bold_stem if bold else font.stem)) * 0.7 * em)
    if change := min(max(change, -1), 4):  # more would break hairlines or fill holes
        nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (abs(change) + 1,) * 2)
        canvas = cv2.dilate(canvas, nib) if change > 0 else cv2.erode(canvas, nib)
        baseline += int(math.copysign(nib.shape[0] // 2, change))
    return canvas, baseline


def _outlines(character: str, file: str, em: int) -> Sequence[np.ndarray]:
    """Closed outlines of a character, in pixels right of its origin and above the baseline."""
    # Imported here because most renderers need no font of matplotlib, which takes as long to import as all else.
    from matplotlib import get_data_path
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    text = rf"\{character}" if character == "$" else character  # a dollar begins a formula
    font = FontProperties(fname=str(Path(get_data_path(), "fonts", "ttf", f"{file}.ttf")))
    path = TextPath((0, 0), text, size=em, prop=font)
    return [np.asarray(outline) for outline in path.to_polygons(closed_only=True)]
