"""Forward variables of the prefixes of a lexicon, in log space or as scaled probabilities.

A row holds the variables of one prefix (Graves 2012, section 7.5.1): the probability of all alignments of the prefix
with the first frames, by the number of frames.
"""

from typing import NamedTuple, Protocol

import numpy as np
from jaxtyping import Float64, Int

from recog.ctc.trie import Trie

LOWEST = -1e4
"""Minimum log probability of a class in a frame: low enough to be none, high enough to keep the digits of its sums."""
UNDERFLOW = -600.0
"""Log probability relative to the best path above which scaled probabilities are exact."""
TINY = 1e-300
"""Sums of scaled probabilities are taken for at least this much."""
NO_SCORE = -1e30
"""Score below that of any word."""


class Rows(NamedTuple):
    """Prefixes with their forward variables after each number of frames: log, or relative to the best path."""

    nodes: Int[np.ndarray, " R"]
    tokens: Int[np.ndarray, " R"]
    """Last token; -1 for the empty prefix."""
    total: Float64[np.ndarray, "T+1 R"]
    in_blank: Float64[np.ndarray, "T+1 R"]
    """Part of the alignments that end in a blank."""


class Space(Protocol):
    """Representation of forward variables."""

    def root(self) -> Float64[np.ndarray, "T+1 1"]:
        """Forward variables of the empty prefix."""
        ...

    def extended(self, before: Float64[np.ndarray, "T+1 C"], tokens: Int[np.ndarray, " C"]) -> tuple:
        """Forward variables of prefixes with one more token, in total and ending in a blank.

        Args:
          before: forward variables of the prefixes after which the token may follow.
          tokens: tokens.
        """
        ...

    def bounds(
        self, rows: Rows, parents: Int[np.ndarray, " C"], nodes: Int[np.ndarray, " C"]
    ) -> Float64[np.ndarray, " C"]:
        """Bounds on the log probability of the words below nodes, given their parents' rows."""
        ...

    def log(self, values: np.ndarray) -> np.ndarray:
        """Log probabilities of forward variables after the last frame."""
        ...


class Log:
    """Log probabilities. Sums over the frames at which a token begins need no loop: see `extended`."""

    def __init__(self, scores: Float64[np.ndarray, "T K"], blank_id: int, trie: Trie):
        self._tokens = trie.tokens
        self._sums = np.concatenate([np.zeros((1, scores.shape[1])), np.cumsum(scores, axis=0)])
        self._blank = self._sums[:, blank_id, None]
        self._probabilities = np.exp(scores)

    def root(self) -> Float64[np.ndarray, "T+1 1"]:
        return self._blank

    def extended(self, before: Float64[np.ndarray, "T+1 C"], tokens: Int[np.ndarray, " C"]) -> tuple:
        """A token emitted from frame u to frame t has the log probability ``sums[t] - sums[u - 1]``."""
        in_token, in_blank = np.full_like(before, -np.inf), np.full_like(before, -np.inf)
        for entries, sums, lane in ((before, self._sums[:, tokens], in_token), (in_token, self._blank, in_blank)):
            lane[1:] = sums[1:] + np.logaddexp.accumulate(entries[:-1] - sums[:-1], axis=0)
        return np.logaddexp(in_token, in_blank), in_blank

    def bounds(self, rows: Rows, parents, nodes) -> Float64[np.ndarray, " C"]:
        """Log probability of all texts that begin with each node's prefix."""
        top = np.maximum(rows.total[:-1].max(axis=0), NO_SCORE)
        total, in_blank = np.exp(rows.total[:-1] - top), np.exp(rows.in_blank[:-1] - top)
        sums, again = total.T @ self._probabilities, np.flatnonzero(rows.tokens >= 0)  # the empty prefix repeats none
        last = rows.tokens[again]
        sums[again, last] = np.einsum("tr,tr->r", in_blank[:, again], self._probabilities[:, last])
        return top[parents] + np.log(np.maximum(sums[parents, self._tokens[nodes]], TINY))

    def log(self, values: np.ndarray) -> np.ndarray:
        return values


class Scaled:
    """Probabilities relative to those of the best path up to the frame."""

    def __init__(self, scores: Float64[np.ndarray, "T K"], blank_id: int, trie: Trie):
        self._tokens, self._kinds = trie.tokens, trie.kinds
        best = scores.max(axis=1, keepdims=True)
        self._path = np.concatenate([np.zeros((1, 1)), np.cumsum(best, axis=0)])  # T+1 1
        self._emissions, self._blank_id = np.exp(scores - best), blank_id
        self.best_path = float(self._path[-1, 0])
        tokens, least, most = trie.continuations.T
        shorter = _shorter(np.exp(scores), blank_id, int(most.max()))
        fits = shorter[:, tokens, most + 1] - shorter[:, tokens, least]
        self._completions = np.exp(np.maximum(self._path[:-1], UNDERFLOW) + scores)[:, tokens] * fits  # T M

    def converted(self, rows: Rows) -> Rows:
        """Rows of log probabilities in this representation."""
        total, in_blank = (np.exp(x - self._path) for x in (rows.total, rows.in_blank))
        return rows._replace(total=total, in_blank=in_blank)

    def root(self) -> Float64[np.ndarray, "T+1 1"]:
        return np.cumprod(np.concatenate([[1.0], self._emissions[:, self._blank_id]]))[:, None]

    def extended(self, before: Float64[np.ndarray, "T+1 C"], tokens: Int[np.ndarray, " C"]) -> tuple:
        in_token, in_blank = np.zeros_like(before), np.zeros_like(before)
        by_token, by_blank = self._emissions[:, tokens], self._emissions[:, self._blank_id]
        for t in range(len(before) - 1):
            np.add(in_token[t], before[t], out=in_token[t + 1])
            in_token[t + 1] *= by_token[t]
            np.add(in_blank[t], in_token[t], out=in_blank[t + 1])
            in_blank[t + 1] *= by_blank[t]
        return in_token + in_blank, in_blank

    def bounds(self, rows: Rows, parents, nodes) -> Float64[np.ndarray, " C"]:
        """Log probability of all texts that begin with each node's prefix and are as long as one of its words."""
        kinds = self._kinds[nodes]
        entries = entering(rows, parents, self._tokens[nodes])[:-1]
        return np.log(np.maximum(np.einsum("tc,tc->c", entries, self._completions[:, kinds]), TINY))

    def log(self, values: np.ndarray) -> np.ndarray:
        return np.log(np.maximum(values, TINY)) + self.best_path


def entering(rows: Rows, parents: Int[np.ndarray, " C"], tokens: Int[np.ndarray, " C"]):
    """Forward variables after which a token may follow: a repeated one needs a blank before it."""
    before = rows.total[:, parents]
    repeats = np.flatnonzero(tokens == rows.tokens[parents])
    before[:, repeats] = rows.in_blank[:, parents[repeats]]
    return before


def _shorter(
    probabilities: Float64[np.ndarray, "T K"], blank_id: int, longest: int
) -> Float64[np.ndarray, "T K longest+2"]:
    """Probability that fewer than each number of tokens begin after each frame, given the class in that frame."""
    frames, classes = probabilities.shape
    begin = np.zeros((frames, classes, longest + 2))  # exactly so many tokens
    begin[-1, :, 0] = 1.0
    for frame in range(frames - 2, -1, -1):
        after = probabilities[frame + 1, :, None] * begin[frame + 1]
        blank, others = after[blank_id], after.sum(axis=0) - after[blank_id]
        begin[frame] = blank + after  # a blank, or the same token goes on
        begin[frame, :, 1:] += np.maximum(others - after, 0.0)[:, :-1]
        begin[frame, blank_id] = blank
        begin[frame, blank_id, 1:] += others[:-1]
    return np.concatenate([np.zeros((frames, classes, 1)), np.cumsum(begin, axis=2)], axis=2)[..., :-1]
