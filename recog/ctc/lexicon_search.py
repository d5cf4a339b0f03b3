"""Decoder that reads words of a lexicon."""

import dataclasses
import functools
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from recog.ctc.hypotheses import Alignment, align
from recog.ctc.lexicon import Lexicon
from recog.ctc.log_space import LOG_ZERO
from recog.ctc.most_probable import find_words
from recog.decoded import Decoded


@functools.partial(jax.jit, static_argnames="blank_id")
def _align(logits: Array, lengths: Array, tokens: Array, sizes: Array, blank_id: int) -> Alignment:
    return align(jnp.maximum(jax.nn.log_softmax(logits), LOG_ZERO), lengths, tokens, sizes, blank_id)


@dataclasses.dataclass(frozen=True, eq=False)
class LexiconSearch:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes the most probable word of a lexicon; runs on the host.

    Exact, see `recog.ctc.most_probable`. The confidence is the word's probability under CTC, summed over its
    alignments: its posterior among all texts, not among the lexicon's words alone. It is 0, and the text empty, where
    no word fits into the frames, and NaN where logits are.
    """

    lexicon: Lexicon
    on_host: ClassVar[bool] = True

    def __call__(self, logits: Float[Any, "B T K"], lengths: Int[Any, " B"]) -> Decoded:
        """Decodes a batch; see `recog.ctc.decoder.Decoder`."""
        return Decoded(*(x[:, 0] for x in self.best(logits, lengths, 1)))

    def best(self, logits: Float[Any, "B T K"], lengths: Int[Any, " B"], count: int) -> Decoded:
        """The most probable words of each row, best first: arrays ``B N ...``; empty ones beyond those that fit."""
        return best_words(logits, lengths, [self.lexicon] * len(logits), count)


def best_words(
    logits: Float[Any, "B T K"], lengths: Int[Any, " B"], lexicons: Sequence[Lexicon | None], count: int
) -> Decoded:
    """The most probable words of each row in its own lexicon, all over one alphabet; see `LexiconSearch.best`.

    A row without a lexicon is empty.
    """
    logits, lengths = np.asarray(logits), np.asarray(lengths)
    batch, frames, _ = logits.shape
    tokens, sizes = np.zeros((batch, count, frames), np.int32), np.zeros((batch, count), np.int32)
    confidence, blank_id = np.zeros((batch, count), np.float32), 0
    for row, lexicon in enumerate(lexicons):
        if lexicon is None:
            continue
        blank_id = lexicon.alphabet.blank_id
        [found] = find_words(logits[row : row + 1], lengths[row : row + 1], lexicon, count)
        for rank, (score, word) in enumerate(found):
            ids = lexicon.alphabet.encode(lexicon.words[word])
            tokens[row, rank, : len(ids)], sizes[row, rank] = ids, len(ids)
            confidence[row, rank] = np.exp(score - lexicon.weights[word])
    broken = np.isnan(logits.max(axis=2)) & (np.arange(frames) < lengths[:, None])
    confidence[:, 0] = np.where(broken.any(axis=1), np.nan, confidence[:, 0])
    aligned = jax.device_get(_align(logits, lengths, tokens, sizes, blank_id))
    inside = np.arange(frames) < sizes[..., None]
    confidences, at = np.where(inside, aligned.confidences, 0.0), np.where(inside, aligned.frames, -1)
    fields: Any = tokens, sizes, confidences, at, confidence
    return Decoded(*fields)
