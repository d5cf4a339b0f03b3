"""Pictures on which an ONNX program is compared with the StableHLO program."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float32, Int32, UInt8

from recog.preprocess import Preprocess

WIDTHS = (256, 33, 48, 75, 96, 100, 129, 160, 170, 200, 224, 250)
"""Widths in pixels of the pictures, of models for any width; their number is that of the pictures."""


class Pictures(NamedTuple):
    """A padded batch."""

    images: UInt8[np.ndarray, "B H W C"]
    sizes: Int32[np.ndarray, "B 2"]

    def some(self, rows: Sequence[int], preprocess: Preprocess) -> "Pictures":
        """Some of the pictures, padded no more than they need, with a row without a picture at the end."""
        sizes = np.concatenate([self.sizes[list(rows)], np.zeros((1, 2), np.int32)])
        width = preprocess.width or int(sizes[:, 1].max())
        images = self.images[list(rows), :, :width]
        return Pictures(np.concatenate([images, np.zeros_like(images[:1])]), sizes)

    def as_floats(self) -> Float32[np.ndarray, "B 3 H W"]:
        """The pictures as callers of the layout ``nchw_float`` give them (`recog.export.onnx.pictures`)."""
        pixels = (self.images.astype(np.float32) / 255 - 0.5) / 0.5
        inside = [np.arange(self.images.shape[axis + 1]) < self.sizes[:, axis, None] for axis in (0, 1)]
        pixels *= inside[0][:, :, None, None] & inside[1][:, None, :, None]
        pixels = np.broadcast_to(pixels, (*pixels.shape[:3], 3))[..., ::-1]
        return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))


def make_pictures(preprocess: Preprocess) -> Pictures:
    """Random blots with noise, and drawn texts on noise, by turns."""
    random = np.random.default_rng(0)
    height, widest = preprocess.height, preprocess.width or max(WIDTHS)
    images = np.zeros((len(WIDTHS), height, widest, preprocess.channels), np.uint8)
    sizes = np.zeros((len(WIDTHS), 2), np.int32)
    for row, width in enumerate(WIDTHS):
        rows, columns = height, preprocess.width or width
        if preprocess.letterbox and row:
            rows, columns = (int(random.integers(side // 2, side + 1)) for side in (rows, columns))
        draw = _blots if row % 2 else _text
        images[row, :rows, :columns] = draw(random, rows, columns, preprocess.channels)
        sizes[row] = rows, columns
    return Pictures(images, sizes)


def batches(count: int) -> Iterator[list[int]]:
    """Rows of the batches to run: all, one, pairs and fives of pictures."""
    yield list(range(count))
    yield [0]
    yield [1, 2]
    yield list(range(3, count, 2))[:5]


def _blots(random: np.random.Generator, height: int, width: int, channels: int) -> UInt8[np.ndarray, "H W C"]:
    blots = random.integers(0, 2, (height // 4 + 1, width // 4 + 1, 1)) * 160
    blots = blots.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]
    return (blots + random.integers(0, 96, (height, width, channels))).astype(np.uint8)


def _text(random: np.random.Generator, height: int, width: int, channels: int) -> UInt8[np.ndarray, "H W C"]:
    """Dark characters on a light ground, or light ones on a dark ground."""
    picture = random.integers(150, 256, (height, width, channels)).astype(np.uint8)
    characters = "".join(random.choice(list("0123456789ABCDEFGHKMNPRSTUWXYZ"), 1 + width // 16))
    picture = cv2.putText(
        picture, characters, (2, int(0.8 * height)), cv2.FONT_HERSHEY_SIMPLEX, height / 40, (20,) * channels, 2
    ).reshape(height, width, channels)
    return picture if random.random() < 0.5 else 255 - picture
