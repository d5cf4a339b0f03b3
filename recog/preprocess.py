"""Preprocessing of pictures, shared by training, evaluation and serving artifacts."""

import dataclasses
from typing import Any, Self

import cv2
import numpy as np
from jaxtyping import UInt8

from recog.filters import apply_filters, check_filters
from recog.images import WIDEST, decode, fitted_size, scale, scaled_width, to_channels, turned
from recog.transparency import composite

TALL = 1.5
"""Minimum height by width of pictures that ``rotate_tall`` turns, as in PaddleOCR (`get_rotate_crop_image`)."""


@dataclasses.dataclass(frozen=True)
class Preprocess:
    """Decodes a picture, turns it, converts its channels, applies filters and scales it, in this order.

    Raises:
      ValueError: channels other than 1 or 3, an unknown filter, or an unknown rotation.
    """

    height: int
    """Height in pixels to which pictures are scaled."""
    width: int = 0
    """Width in pixels to which pictures are stretched; 0 keeps the aspect ratio."""
    channels: int = 1
    """Number of channels: 1 for grayscale, 3 for RGB."""
    filters: tuple[str, ...] = ()
    """Names of filters to apply before scaling (`recog.filters`)."""
    rotate_tall: int = 0
    """Degrees by which to turn pictures clockwise that are at least `TALL` times as high as wide: 90 or 270; 0 turns
    none."""
    letterbox: bool = False
    """Whether to scale pictures to fit into ``height`` and ``width`` with their aspect ratio kept, for detectors."""

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ValueError(f"data.channels={self.channels}: choose 1 (grayscale) or 3 (colour)")
        check_filters(self.filters)
        if self.rotate_tall not in (0, 90, 270):
            raise ValueError(f"data.rotate_tall={self.rotate_tall}: choose 0, 90 or 270 degrees clockwise")
        if self.letterbox and not self.width:
            raise ValueError("data.letterbox=True fits pictures into data.height and data.width: set data.width")

    def __call__(self, image: bytes | UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "Y X C"]:
        """Preprocesses the content of a picture file, or a decoded picture (``H W``, ``H W 1``, RGB or RGBA).

        Raises:
          ValueError: not decodable, not a uint8 picture, empty, or wider than `WIDEST` when scaled.
        """
        picture = self.decode(image)
        if picture.ndim == 2:
            picture = picture[..., None]
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
            raise ValueError(
                f"an array of {picture.dtype} {picture.shape} is not a picture: "
                "give uint8, H W 1 (grayscale), H W 3 (RGB) or H W 4 (RGBA)"
            )
        height, width = picture.shape[:2]
        rows, scaled = self.scaled_size(height, width)
        if scaled > WIDEST:
            raise ValueError(
                f"a picture of {width} x {height} pixels is {scaled} wide at height {self.height}, more than {WIDEST}: "
                "crop it"
            )
        if picture.shape[2] < self.channels:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        elif picture.shape[2] > self.channels:
            picture = to_channels(picture, self.channels)
        return scale(apply_filters(picture, self.filters), rows, scaled)

    def decode(self, image: bytes | UInt8[np.ndarray, "..."]) -> UInt8[np.ndarray, "..."]:
        """The picture in its own size, opaque and turned; calling it again changes nothing.

        Raises:
          ValueError: not decodable.
        """
        picture = decode(image, self.channels) if isinstance(image, bytes) else image
        if picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 4 and picture.size:
            picture = composite(picture)
        if picture.ndim in (2, 3) and self._turns(*picture.shape[:2]):
            picture = turned(picture, self.rotate_tall)
        return picture

    def scaled_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width in pixels of a picture of this size after turning and scaling."""
        if self._turns(height, width):
            height, width = width, height
        if self.letterbox:
            return fitted_size(height, width, self.height, self.width)
        return self.height, self.width or scaled_width(height, width, self.height)

    def _turns(self, height: int, width: int) -> bool:
        return bool(self.rotate_tall) and height >= TALL * width > 0

    def to_json(self) -> dict[str, Any]:
        """Settings for JSON; later ones only if they are set, so that earlier versions can load the others."""
        saved = dataclasses.asdict(self)
        return {name: value for name, value in saved.items() if value or name not in ("rotate_tall", "letterbox")}

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Loads the form that `to_json` returns.

        Raises:
          ValueError: a value is out of its range.
          TypeError: a field is missing or unknown.
        """
        fields: dict[str, Any] = {**saved, "filters": tuple(saved["filters"])}
        return cls(**fields)
