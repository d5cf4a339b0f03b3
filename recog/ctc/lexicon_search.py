"""Decoder that reads words of a lexicon."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import numpy as np
from jaxtyping import Float, Int

from recog.ctc.hypotheses import align
from recog.ctc.lexicon import Lexicon
from recog.ctc.most_probable import find_words
from recog.decoded import Decoded

_align = jax.jit(lambda logits, *rest: align(jax.nn.log_softmax(logits), *rest), static_argnums=4)


@dataclasses.dataclass(frozen=True, eq=False)
class LexiconSearch:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes the most probable word of a lexicon; runs on the host.

    Exact, see `recog.ctc.most_probable`. The confidence is the word's probability under CTC, summed over its
    alignments: its posterior among all texts, not among the lexicon's words alone. It is 0, and the text empty, where
    no word fits into the frames.
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
    logits: Float[Any, "B T K"], lengths: Int[Any, " B"], lexicons: Sequence[Lexicon], count: int
) -> Decoded:
    """The most probable words of each row in its own lexicon, all over one alphabet; see `LexiconSearch.best`."""
    logits, lengths = np.asarray(logits), np.asarray(lengths)
    batch, frames, _ = logits.shape
    tokens, sizes = np.zeros((batch, count, frames), np.int32), np.zeros((batch, count), np.int32)
    confidence = np.zeros((batch, count), np.float32)
    for row, lexicon in enumerate(lexicons):
        [found] = find_words(logits[row : row + 1], lengths[row : row + 1], lexicon, count)
        for rank, (score, word) in enumerate(found):
            ids = lexicon.alphabet.encode(lexicon.words[word])
            tokens[row, rank, : len(ids)], sizes[row, rank] = ids, len(ids)
            confidence[row, rank] = np.exp(score - lexicon.weights[word])
    blank_id = lexicons[0].alphabet.blank_id if lexicons else 0
    found = jax.device_get(_align(logits, lengths, tokens, sizes, blank_id))
    inside = np.arange(frames) < sizes[..., None]
    fields: Any = (
        tokens,
        sizes,
        np.where(inside, found.confidences, 0.0),
        np.where(inside, found.frames, -1),
        confidence,
    )
    return Decoded(*fields)
