"""Readings among the words of a lexicon."""

import numpy as np
from jaxtyping import Float, Float64, Int

from recog.codecs import Reading
from recog.ctc.lexicon import Lexicon
from recog.ctc.word_search import Found, WordSearch


def most_probable(
    logits: Float[np.ndarray, "B T K"], lengths: Int[np.ndarray, " B"], lexicon: Lexicon, nbest: int = 1
) -> list[list[Reading]]:
    """Finds the words of a lexicon with the greatest CTC probability; exact, and computed on the host in float64.

    Args:
      logits: unnormalised scores, without NaN.
      lengths: frames of each picture; later ones are ignored.
      lexicon: words; their weights are added to their log probabilities for the order.
      nbest: maximum number of words to return.

    Returns:
      Words of each picture, best first; fewer than ``nbest`` where fewer fit into the frames. The confidence is the
      word's probability under CTC, summed over its alignments, its weight left out: the posterior among all texts, not
      only those of the lexicon.

    Raises:
      ValueError: the lexicon's alphabet has another number of classes, or ``nbest`` is less than 1.
    """
    return [
        [Reading(lexicon.words[word], float(np.exp(score - lexicon.weights[word]))) for score, word in found]
        for found in find_words(logits, lengths, lexicon, nbest)
    ]


def find_words(
    logits: Float[np.ndarray, "B T K"], lengths: Int[np.ndarray, " B"], lexicon: Lexicon, nbest: int
) -> list[list[Found]]:
    """`most_probable` by scores and indices of words."""
    if logits.shape[2] != lexicon.alphabet.classes:
        raise ValueError(f"the lexicon is over {lexicon.alphabet.classes} classes, the logits have {logits.shape[2]}")
    if nbest < 1:
        raise ValueError(f"nbest={nbest}: choose 1 or more")
    blank_id, weights = lexicon.alphabet.blank_id, lexicon.weights
    return [
        WordSearch(log_probabilities(row[:length]), blank_id, lexicon.trie, weights, nbest).run() if length else []
        for row, length in zip(np.asarray(logits), np.asarray(lengths).tolist(), strict=True)
    ]


def log_probabilities(logits: Float[np.ndarray, "T K"]) -> Float64[np.ndarray, "T K"]:
    """Normalised scores in float64."""
    scores = logits.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
