"""Filters of decoded pictures by name; training, evaluation and serving apply the same ones before they scale.

A picture is uint8 ``H W C``, grayscale or RGB, and keeps its shape. Numbers in names are sides of a square window in
pixels of the picture as it was decoded:

* ``gray``: every channel holds the grey of the pixel.
* ``gaussian5``: Gaussian blur; odd sides, standard deviation ``0.15 side + 0.35`` (what OpenCV takes for a side).
* ``median3``: the median of the window; odd sides.
* ``otsu``: white where the grey is above Otsu's threshold of the whole picture, black elsewhere.
* ``adaptive11``: white where the grey is above the Gaussian mean of its own window less `OFFSET`; odd sides.
* ``open2``, ``close2``: morphological opening (bright specks that are smaller than the window vanish) and closing
  (dark ones do); nothing moves, for even sides either.
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
OFFSET = 2
"""Grey levels that a pixel may be darker than its surroundings and still be paper: noise of flat areas stays white."""
WIDEST_WINDOW = 255
"""Pixels."""


def apply_filters(picture: Picture, names: Sequence[str]) -> Picture:
    """The picture after each filter in turn; without any, the very picture that came in.

    Raises:
      ValueError: a name is none of a filter.
    """
    for name in names:
        picture = _filter(name)(picture)
    return picture


def check_filters(names: Sequence[str]) -> None:
    """Raises ``ValueError`` unless these are names of filters."""
    if isinstance(names, str):
        raise ValueError(f"filters={names!r}: give a sequence of names, ({names!r},)")
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
            return functools.partial(_gaussian, _odd(name, side))
        case "median":
            return functools.partial(_median, _odd(name, side))
        case "otsu" if not side:
            return _otsu
        case "adaptive":
            return functools.partial(_adaptive, _odd(name, side))
        case "open":
            return functools.partial(_open, _some(name, side))
        case "close":
            return functools.partial(_close, _some(name, side))
        case _:
            raise ValueError(f"{name!r} is no filter: choose {FORMS}")


def _odd(name: str, side: int) -> int:
    if side % 2 and 3 <= side <= WIDEST_WINDOW:
        return side
    raise ValueError(f"filter {name!r}: give its window an odd side from 3 to {WIDEST_WINDOW}, such as {FORMS}")


def _some(name: str, side: int) -> int:
    if 2 <= side <= WIDEST_WINDOW:
        return side
    raise ValueError(f"filter {name!r}: give its window a side from 2 to {WIDEST_WINDOW}, such as {FORMS}")


def _gray(picture: Picture) -> Picture:
    return _in_all_channels(_grey(picture), picture)


def _gaussian(side: int, picture: Picture) -> Picture:
    deviation = 0.15 * side + 0.35  # said, because OpenCV itself has other weights for the smallest sides
    blurred = cv2.GaussianBlur(picture, (side, side), deviation, borderType=cv2.BORDER_REPLICATE)
    return blurred.reshape(picture.shape)


def _median(side: int, picture: Picture) -> Picture:
    return cv2.medianBlur(picture, side).reshape(picture.shape)


def _otsu(picture: Picture) -> Picture:
    _, binary = cv2.threshold(_grey(picture), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return _in_all_channels(binary, picture)


def _adaptive(side: int, picture: Picture) -> Picture:
    how = cv2.ADAPTIVE_THRESH_GAUSSIAN_C, cv2.THRESH_BINARY
    return _in_all_channels(cv2.adaptiveThreshold(_grey(picture), 255, *how, side, OFFSET), picture)


def _open(side: int, picture: Picture) -> Picture:
    return _morphology(cv2.erode, cv2.dilate, side, picture)


def _close(side: int, picture: Picture) -> Picture:
    return _morphology(cv2.dilate, cv2.erode, side, picture)


def _morphology(first: Callable, second: Callable, side: int, picture: Picture) -> Picture:
    # Not cv2.morphologyEx: it anchors both passes alike, and so moves the picture by a pixel where the side is even.
    window, before, after = np.ones((side, side), np.uint8), side // 2, (side - 1) // 2
    once = first(picture, window, anchor=(before, before))
    return second(once, window, anchor=(after, after)).reshape(picture.shape)


def _grey(picture: Picture) -> UInt8[np.ndarray, "H W"]:
    return picture[..., 0] if picture.shape[2] == 1 else cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _in_all_channels(plane: UInt8[np.ndarray, "H W"], like: Picture) -> Picture:
    return np.repeat(plane[..., None], like.shape[2], axis=2)
