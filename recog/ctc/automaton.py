"""Deterministic automata over tokens, which say what a text may be and what each token is worth.

Patterns, allowed tokens and n-gram language models are automata; two of them combine into their product.
"""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
from jaxtyping import Float32, Int32, Int64

NONE = -1
"""State after a token that a text must not go on with."""
IMPOSSIBLE = 2**30
"""Number of frames that no text of any length needs."""
LARGEST = 2**27
"""Maximum number of transitions, states times classes: 1 GiB with their weights."""
_CHUNK = 2**22
"""Number of transitions of a product to look at together."""


class AutomatonSizeError(ValueError):
    """An automaton would have more than `LARGEST` transitions."""


class Automaton(NamedTuple):
    """States and the transitions between them, by class id; state 0 is the start. The blank has no transition."""

    following: Int32[np.ndarray, "N K"]
    """State after each token; `NONE` where a text must not go on with it."""
    weights: Float32[np.ndarray, "N K"]
    """Log weight of each token; 0 leaves the probabilities as they are."""
    final: Float32[np.ndarray, " N"]
    """Log weight of a text that ends in each state; ``-inf`` where none may end."""

    def product(self, other: Self) -> "Automaton":
        """Automaton of the texts that both accept, with the sum of their weights.

        Raises:
          AutomatonSizeError: it has more than `LARGEST` transitions.
        """
        pairs, following = _reachable(self.following, other.following)
        ours, theirs = pairs
        weights, final = self.weights[ours], self.final[ours] + other.final[theirs]
        weights += other.weights[theirs]
        return Automaton(following, weights, final).trimmed()

    def trimmed(self) -> "Automaton":
        """A copy without transitions to states from which no text can end."""
        useful = np.isfinite(self.final)
        while not useful.all():
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
        fewest, only = np.where(np.isfinite(self.final), 0, IMPOSSIBLE), np.full(states, NONE)
        if fewest.any():
            self._walk_back(fewest, only)
        needed = np.repeat(fewest[:, None].astype(np.int32), classes, axis=1)
        waits = np.flatnonzero(only >= 0)
        needed[waits, only[waits]] += 1
        return needed

    def _walk_back(self, fewest: Int64[np.ndarray, " N"], only: Int64[np.ndarray, " N"]) -> None:
        """Finds how many frames each state needs after a blank, by a breadth-first search from the final ones.

        After token ``k`` the same number is enough unless ``k`` is the only token that a shortest text begins with.

        Args:
          fewest: 0 for final states, `IMPOSSIBLE` for others; becomes the number of frames.
          only: becomes the token with which all shortest texts of a state begin; `NONE` where there are several.
        """
        sources, tokens = np.nonzero(self.following >= 0)
        order = np.argsort(self.following[sources, tokens], kind="stable")
        sources, tokens = sources[order], tokens[order]
        begins = np.searchsorted(self.following[sources, tokens], np.arange(len(fewest) + 1))
        reached, late, frames = np.flatnonzero(fewest == 0), np.empty(0, np.int64), 0
        while len(reached) or len(late):
            frames += 1
            counts = begins[reached + 1] - begins[reached]
            edges = np.repeat(begins[reached] - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
            waits = tokens[edges] == np.repeat(only[reached], counts)
            edges, late = np.concatenate([edges[~waits], late]), edges[waits]
            edges = edges[fewest[sources[edges]] == IMPOSSIBLE]
            reached, first = np.unique(sources[edges], return_index=True)
            only[reached] = tokens[edges[first]]
            only[sources[edges][tokens[edges] != only[sources[edges]]]] = NONE
            fewest[reached] = frames

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


def _reachable(
    ours: Int32[np.ndarray, "N K"], theirs: Int32[np.ndarray, "M K"]
) -> tuple[Int64[np.ndarray, "2 P"], Int32[np.ndarray, "P K"]]:
    """Pairs of states that are reached together from the two starts, breadth first, and the pair after each token."""
    classes, states = ours.shape[1], len(theirs)
    known, numbers = np.zeros(1, np.int64), np.zeros(1, np.int64)  # sorted keys of pairs, and their numbers
    found, count, rows = [known], 1, []
    waiting = known
    while len(waiting):
        now, waiting = waiting[: max(1, _CHUNK // classes)], waiting[max(1, _CHUNK // classes) :]
        one, other = ours[now // states], theirs[now % states]
        keys = np.where((one >= 0) & (other >= 0), one.astype(np.int64) * states + other, NONE)
        unique, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        places = np.searchsorted(known, unique)
        is_known = known[np.minimum(places, len(known) - 1)] == unique
        number = numbers[np.minimum(places, len(known) - 1)]
        is_new = ~is_known & (unique >= 0)
        new = np.flatnonzero(is_new)[np.argsort(first[is_new])]  # in the order in which they are reached
        number[new] = count + np.arange(len(new))
        number[unique < 0] = NONE
        rows.append(number[inverse].reshape(keys.shape).astype(np.int32))
        known, numbers = (np.insert(x, places[is_new], y[is_new]) for x, y in ((known, unique), (numbers, number)))
        count += len(new)
        if count * classes > LARGEST:
            raise AutomatonSizeError(
                f"the combination has more than {count:,} states of {classes:,} classes, more than {LARGEST:,} "
                "together: shorten the pattern or the hotwords, or use a smaller n-gram model"
            )
        found.append(unique[new])
        waiting = np.concatenate([waiting, unique[new]])
    keys = np.concatenate(found)
    return np.stack([keys // states, keys % states]), np.concatenate(rows)
