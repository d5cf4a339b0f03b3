"""Deterministic automata over tokens, which say what a text may be and what each token is worth.

Patterns, allowed tokens and n-gram language models are automata; two of them combine into their product.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float32, Int32

NONE = -1
"""State after a token that a text must not go on with."""
IMPOSSIBLE = 2**30
"""Number of frames that no text of any length needs."""


class Automaton(NamedTuple):
    """States and the transitions between them, by class id; state 0 is the start. The blank has no transition."""

    following: Int32[np.ndarray, "N K"]
    """State after each token; `NONE` where a text must not go on with it."""
    weights: Float32[np.ndarray, "N K"]
    """Log weight of each token; 0 leaves the probabilities as they are."""
    final: Float32[np.ndarray, " N"]
    """Log weight of a text that ends in each state; ``-inf`` where none may end."""

    def product(self, other: Self) -> "Automaton":
        """Automaton of the texts that both accept, with the sum of their weights."""
        numbers, pairs = {(0, 0): 0}, deque([(0, 0)])
        rows = []
        while pairs:
            ours, theirs = pairs.popleft()
            both = (self.following[ours] >= 0) & (other.following[theirs] >= 0)
            row = np.full(self.following.shape[1], NONE, np.int32)
            for token in np.flatnonzero(both).tolist():
                pair = int(self.following[ours, token]), int(other.following[theirs, token])
                if pair not in numbers:
                    numbers[pair] = len(numbers)
                    pairs.append(pair)
                row[token] = numbers[pair]
            rows.append((row, self.weights[ours] + other.weights[theirs], self.final[ours] + other.final[theirs]))
        return Automaton(*(np.stack([np.asarray(row[field]) for row in rows]) for field in range(3))).trimmed()

    def trimmed(self) -> "Automaton":
        """A copy without transitions to states from which no text can end."""
        useful = np.isfinite(self.final)
        while True:
            leads = ((self.following >= 0) & useful[self.following]).any(axis=1) | useful
            if (leads == useful).all():
                break
            useful = leads
        return self._replace(following=np.where((self.following >= 0) & useful[self.following], self.following, NONE))

    def frames_needed(self) -> Int32[np.ndarray, "N K"]:
        """Minimum number of frames from each state to the end of a text, after each token; `IMPOSSIBLE` without one.

        A token needs a frame, and one more for a blank before it if it repeats the token before.
        """
        states, classes = self.following.shape
        needed = np.where(np.isfinite(self.final)[:, None], 0, IMPOSSIBLE) + np.zeros((1, classes), np.int64)
        while True:
            after = np.where(self.following >= 0, needed[self.following, np.arange(classes)] + 1, IMPOSSIBLE)
            best = np.argmin(after, axis=1)
            first = after[np.arange(states), best]
            others = after.copy()
            others[np.arange(states), best] = IMPOSSIBLE
            second = others.min(axis=1)
            # After another token than the best one the best one is next; after itself it waits, or the second is next.
            again = np.minimum(first + 1, second)[:, None]
            following = np.where(np.arange(classes) == best[:, None], again, first[:, None])
            improved = np.minimum(needed, np.minimum(following, IMPOSSIBLE))
            if (improved == needed).all():
                return needed.astype(np.int32)
            needed = improved

    def tokens_needed(self) -> Int32[np.ndarray, " N"]:
        """Minimum number of tokens from each state to the end of a text; `IMPOSSIBLE` without one."""
        needed = np.where(np.isfinite(self.final), 0, IMPOSSIBLE)
        while True:
            after = np.where(self.following >= 0, needed[self.following] + 1, IMPOSSIBLE).min(axis=1)
            improved = np.minimum(needed, after)
            if (improved == needed).all():
                return needed.astype(np.int32)
            needed = improved


def allow(tokens: Sequence[int], classes: int) -> Automaton:
    """Automaton of all texts of these tokens."""
    following = np.full((1, classes), NONE, np.int32)
    following[0, list(tokens)] = 0
    return Automaton(following, np.zeros((1, classes), np.float32), np.zeros(1, np.float32))
