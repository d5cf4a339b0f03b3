"""Filters of decoded pictures by name; training, evaluation and serving apply the same ones before scaling.

A picture is uint8 ``H W C``, grayscale or RGB, and keeps its shape. Numbers in names are sides of a square window in
pixels of the decoded picture:

* ``gray``: luma in every channel.
* ``gaussian5``: Gaussian blur; odd sides, standard deviation ``0.15 side + 0.35`` (OpenCV's rule).
* ``median3``: median of the window; odd sides.
* ``otsu``: white where the luma is above Otsu's threshold of the whole picture, black elsewhere.
* ``adaptive11``: white where the luma is above the Gaussian mean of the pixel's window minus `OFFSET`; odd sides.
* ``open2``, ``close2``: morphological opening (removes bright specks smaller than the window) and closing (removes dark
  ones), without a shift for even sides.
"""

import functools
import re
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

Picture = UInt8[np.ndarray, "H W C"]
Filter = Callable[[Picture], Picture]

FORMS = "gray, gaussian3, median3, otsu, adaptive11, open2 or close2"
"""An example of every filter, for error messages."""
OFFSET = 2
"""Grey levels below the local mean that ``adaptive`` still makes white, so that noise in flat areas stays white."""
WIDEST_WINDOW = 255
"""Maximum side of a window, in pixels."""


def apply_filters(picture: Picture, names: Sequence[str]) -> Picture:
    """Applies filters in order; without any, returns the same array.

    Raises:
      ValueError: unknown filter.
    """
    for name in names:
        picture = _filter(name)(picture)
    return picture


def check_filters(names: Sequence[str]) -> None:
    """Raises ``ValueError`` for an unknown filter or an invalid window."""
    if isinstance(names, str):
        raise ValueError(f"filters={names!r}: pass a sequence of names, ({names!r},)")
    for name in names:
        _filter(name)


@functools.cache
def _filter(name: str) -> Filter:
    found = re.fullmatch(r"([a-z]+)([1-9]\d*)?", name)
    kind, side = (found[1], int(found[2] or 0)) if found else ("", 0)
    match kind:
        case "gray" if not side:
            return _gray
        case "gaussian":
            return functools.partial(_gaussian, _odd_side(name, side))
        case "median":
            return functools.partial(_median, _odd_side(name, side))
        case "otsu" if not side:
            return _otsu
        case "adaptive":
            return functools.partial(_adaptive, _odd_side(name, side))
        case "open":
            return functools.partial(_open, _any_side(name, side))
        case "close":
            return functools.partial(_close, _any_side(name, side))
        case _:
            raise ValueError(f"unknown filter {name!r}: choose {FORMS}")


def _odd_side(name: str, side: int) -> int:
    if side % 2 and 3 <= side <= WIDEST_WINDOW:
        return side
    raise ValueError(f"filter {name!r}: choose an odd side from 3 to {WIDEST_WINDOW} for its window, such as {FORMS}")


def _any_side(name: str, side: int) -> int:
    if 2 <= side <= WIDEST_WINDOW:
        return side
    raise ValueError(f"filter {name!r}: choose a side from 2 to {WIDEST_WINDOW} for its window, such as {FORMS}")


def _gray(picture: Picture) -> Picture:
    return _in_all_channels(_luma(picture), picture)


def _gaussian(side: int, picture: Picture) -> Picture:
    deviation = 0.15 * side + 0.35  # explicit, because OpenCV has fixed weights for the smallest sides
    blurred = cv2.GaussianBlur(picture, (side, side), deviation, borderType=cv2.BORDER_REPLICATE)
    return blurred.reshape(picture.shape)


def _median(side: int, picture: Picture) -> Picture:
    return cv2.medianBlur(picture, side).reshape(picture.shape)


def _otsu(picture: Picture) -> Picture:
    _, binary = cv2.threshold(_luma(picture), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return _in_all_channels(binary, picture)


def _adaptive(side: int, picture: Picture) -> Picture:
    mean, kind = cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY
    return _in_all_channels(cv2.adaptiveThreshold(_luma(picture), 255, mean, kind, side, OFFSET), picture)


def _open(side: int, picture: Picture) -> Picture:
    return _morphology(cv2.erode, cv2.dilate, side, picture)


def _close(side: int, picture: Picture) -> Picture:
    return _morphology(cv2.dilate, cv2.erode, side, picture)


def _morphology(first: Callable, second: Callable, side: int, picture: Picture) -> Picture:
    # Not cv2.morphologyEx: it anchors both passes alike, which shifts the picture by a pixel for even sides.
    window, before, after = np.ones((side, side), np.uint8), side // 2, (side - 1) // 2
    once = first(picture, window, anchor=(before, before))
    return second(once, window, anchor=(after, after)).reshape(picture.shape)


def _luma(picture: Picture) -> UInt8[np.ndarray, "H W"]:
    return picture[..., 0] if picture.shape[2] == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _in_all_channels(plane: UInt8[np.ndarray, "H W"], like: Picture) -> Picture:
    return np.repeat(plane[..., None], like.shape[2], axis=2)
