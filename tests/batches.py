"""Batches of texts and what readers ask of samples, made by hand."""

from collections.abc import Callable

import numpy as np

from datasets.needs import Needs
from recog.alphabet import Alphabet
from recog.batch import Batch, full_height
from recog.codecs import TextCodec, TextTargets
from recog.preprocess import Preprocess
from recog.tasks.text import infeasible


def text_batch(images, widths, labels, lengths, ids=None, mask=None) -> Batch:
    """A batch of pictures that fill their height; rows of width 0 hold no sample unless a mask says otherwise."""
    widths = np.asarray(widths, np.int32)
    ids = np.arange(len(widths), dtype=np.int32) if ids is None else ids
    mask = widths > 0 if mask is None else mask
    return Batch(images, full_height(widths, images.shape[1]), TextTargets(labels, lengths), ids, mask)


def text_needs(
    alphabet: Alphabet,
    preprocess: Preprocess | None = None,
    *,
    max_width: int | None = None,
    max_length: int = 32,
    lower_case: bool = False,
    strip: bool = False,
    frames: Callable[[int], int | None] = lambda width: None,
) -> Needs:
    """What a reader asks that emits so many frames for pictures of a width."""
    codec = TextCodec(alphabet, max_length, lower_case, strip)

    def problems(label, size):
        return codec.problems(label, size) | infeasible(codec, label, frames(size[1]))

    return Needs(preprocess or Preprocess(32), codec, problems, max_width)
