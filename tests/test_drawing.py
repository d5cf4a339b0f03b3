"""Drawn labels against cells pasted and resized with OpenCV; boxes against pictures whose text stands where we put it."""

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.alphabet import (
    ARITHMETIC,
    CHINESE_PLATES,
    DIGITS,
    LATIN_94,
    Alphabet,
)
from recog.drawing import Box, alignment_box, draw_labels, glyph_atlas

SIZE = (24, 94)
BOX = Box(5, 3, 19, 92)
SLOTS = 9

draw = jax.jit(draw_labels, static_argnames=("size", "box"), static_argnums=())


def compiled(atlas, size=SIZE, box=BOX):
    return jax.jit(lambda labels, lengths: draw_labels(atlas, labels, lengths, size=size, box=box))


def encode(alphabet, *texts, fill=0):
    """Labels in ``SLOTS`` slots, with ``fill`` beyond their lengths."""
    labels = np.full((len(texts), SLOTS), fill, np.int32)
    for row, text in enumerate(texts):
        tokens = alphabet.encode(text)
        labels[row, : len(tokens)] = tokens
    return labels, np.array([len(alphabet.split(text)) for text in texts], np.int32)


def pasted(atlas, alphabet, text, size=SIZE, box=BOX):
    """The label's cells side by side, shrunk into the box by OpenCV."""
    picture = np.zeros(size, np.float32)
    if text:
        line = np.hstack([atlas[token] for token in alphabet.encode(text)])
        width, height = box.right - box.left, box.bottom - box.top
        picture[box.top : box.bottom, box.left : box.right] = cv2.resize(
            line, (width, height), interpolation=cv2.INTER_AREA
        )
    return picture


plates = st.lists(
    st.text(CHINESE_PLATES.tokens, min_size=3, max_size=SLOTS) | st.just(""), min_size=4, max_size=4
)  # of three characters or more: OpenCV averages areas only where a picture shrinks on both axes
ATLAS = glyph_atlas(CHINESE_PLATES)
draw_plates = compiled(ATLAS)


@settings(max_examples=40, deadline=None)
@given(plates, st.integers(0, CHINESE_PLATES.classes - 1))
def test_drawings_are_cells_side_by_side_resized_by_area(texts, fill):
    """Labels of several lengths in one batch; what stands beyond a length is not drawn."""
    drawn = draw_plates(*encode(CHINESE_PLATES, *texts, fill=fill))
    assert drawn.shape == (len(texts), *SIZE)
    assert drawn.dtype == jnp.float32
    expected = np.stack([pasted(ATLAS, CHINESE_PLATES, text) for text in texts])
    np.testing.assert_allclose(drawn, expected, atol=1e-4)
