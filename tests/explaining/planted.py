"""Reader whose evidence is known: red strokes are the token 0, green strokes the token 1."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from recog.alphabet import Alphabet
from recog.codecs import TextCodec
from recog.ctc import Decoder
from recog.models.frames import Frames
from recog.ops.feature_map import feature_map
from recog.tasks.reading import ReadingTask

CELL = 4
"""Pixels of a cell of the feature map, along both axes."""
CODEC = TextCodec(Alphabet("01"))
VARIABLES = {"params": {"gain": np.float32(12.0)}}


class StrokeReader(nn.Module):
    """Mean redness and greenness of cells of 4x4 pixels; the brightest row of a column scores its frame."""

    @nn.compact
    def __call__(self, images: Float[Array, "B H W 3"], widths: Int[Array, " B"], *, train: bool) -> Frames:
        gain = self.param("gain", nn.initializers.ones, ())
        batch, height, width, _ = images.shape
        cells = images.reshape(batch, height // CELL, CELL, width // CELL, CELL, 3).mean(axis=(2, 4))
        x = feature_map(self, nn.relu((cells + 1) / 2))
        tokens = gain * x.max(axis=1)[..., :2]
        blank = jnp.full_like(tokens[..., :1], gain / 4)
        return Frames(jnp.concatenate([blank, tokens], axis=-1), widths // CELL)

    @staticmethod
    def frames(width: int) -> int:
        return width // CELL


def stroke_task(decoder: Decoder | None = None) -> ReadingTask:
    return ReadingTask(StrokeReader(), CODEC, decoder=decoder)


def paint(height: int, width: int, strokes: list[tuple[int, int, int]]) -> np.ndarray:
    """Picture with strokes of 8x4 pixels, each with its token and its top left corner, row before column."""
    picture = np.zeros((height, width, 3), np.uint8)
    for token, row, column in strokes:
        picture[row : row + 8, column : column + CELL, token] = 255
    return picture


def on_stroke(evidence: np.ndarray, stroke: tuple[int, int, int]) -> float:
    """Share of a map's mass on a stroke and a cell around it, over which maps are interpolated."""
    _, row, column = stroke
    rows, columns = slice(max(row - CELL, 0), row + 8 + CELL), slice(max(column - CELL, 0), column + 2 * CELL)
    return float(evidence[rows, columns].sum() / evidence.sum())
