"""Remarks about pictures that can be decoded, but that show nothing or hold no line of text as they are."""

from typing import Any

import numpy as np
from jaxtyping import UInt8

from recog.codecs import BoxLabel, ClassCodec, Codec, Problems
from recog.images import to_channels
from recog.preprocess import TALL, Preprocess
from recog.tiff_tags import BITS, tiff_tags

NO_CONTRAST, TOO_NARROW = "no_contrast", "too_narrow"
IF_VERTICAL = (
    "if its text runs vertically, set data.rotate_tall=270 (it reads from top to bottom) "
    "or data.rotate_tall=90 (from bottom to top)"
)
"""Mend for pictures that are too narrow for their labels."""

CONTRAST = 8
"""Minimum difference between the darkest and the brightest value of a picture, of 255; the faintest prints that people
can read differ by more, and rounding and compression of a blank picture by less."""
ALMOST_BLACK = 16
"""Value, of 255, that all pixels of 16-bit files stay below whose values use 12 bits or fewer."""
NARROW = 1 / 6
"""Minimum width of a token by the height of the picture; narrow characters, such as ``1``, take 0.2 or more."""
SLIVER = 1 / 16
"""Minimum width of a picture by its height for a label of any length."""


def picture_remarks(
    image: bytes | UInt8[np.ndarray, "..."],
    picture: UInt8[np.ndarray, "..."],
    label: Any,
    preprocess: Preprocess,
    codec: Codec | None = None,
) -> Problems:
    """Reasons why a picture will probably be read badly, by kind; with boxes or a class, whether it shows anything.

    Args:
      image: content of the picture file, or the picture as its source provides it.
      picture: the decoded picture, turned or not.
      label: its label.
      preprocess: preprocessing of the pictures.
      codec: codec that splits texts into tokens; None splits them into characters.
    """
    found = _no_contrast(image, picture, preprocess.channels)
    if isinstance(label, BoxLabel) or isinstance(codec, ClassCodec):
        return found
    tokens = 1
    if isinstance(label, str):
        tokens = len(codec.split(label) if codec else label)
    return found | _too_narrow(picture.shape[:2], tokens, preprocess)


def _no_contrast(image: bytes | np.ndarray, picture: np.ndarray, channels: int) -> Problems:
    if picture.ndim == 3 and picture.shape[2] > channels:
        picture = to_channels(picture, channels)
    brightest, darkest = (extreme(extreme(picture, axis=0), axis=0).astype(int) for extreme in (np.max, np.min))
    if isinstance(image, bytes) and np.max(brightest) < ALMOST_BLACK and _bits(image) == 16:
        bits = 8 + int(np.max(brightest)).bit_length()
        return {
            NO_CONTRAST: f"a 16-bit file whose values use only {bits} bits: it reads as almost black; "
            "scale its values to 16 bits"
        }
    if (contrast := np.max(brightest - darkest)) >= CONTRAST:
        return {}
    return {NO_CONTRAST: f"its pixels differ by {contrast} of 255, so that nothing can be seen: replace or drop it"}


def _bits(encoded: bytes) -> int:
    """Bits per sample of a PNG or TIFF file; 8 for other files."""
    if encoded.startswith(b"\x89PNG"):
        return encoded[24]
    return tiff_tags(encoded).get(BITS, 8)


def _too_narrow(size: tuple[int, ...], tokens: int, preprocess: Preprocess) -> Problems:
    height, width = size
    if preprocess.rotate_tall or height < TALL * width:
        return {}
    if width >= SLIVER * height and (tokens < 2 or width >= NARROW * height * tokens):
        return {}
    scaled_height, scaled_width = preprocess.scaled_size(height, width)
    return {
        TOO_NARROW: f"a label of {tokens} token{'s' * (tokens > 1)} and a picture of {width} x {height} pixels, "
        f"{scaled_width} x {scaled_height} when scaled: {IF_VERTICAL}; otherwise crop it to its text"
    }
