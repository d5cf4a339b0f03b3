"""Frames that automata need, against a fixed point over all pairs of a state and a token."""

import numpy as np
import pytest

from recog.ctc.automaton import IMPOSSIBLE, NONE, Automaton


def make(following, final) -> Automaton:
    following = np.asarray(following, np.int32)
    weights = np.zeros(following.shape, np.float32)
    return Automaton(following, weights, np.where(final, 0.0, -np.inf).astype(np.float32))


def reference(automaton: Automaton) -> np.ndarray:
    states, classes = automaton.following.shape
    needed = np.where(np.isfinite(automaton.final)[:, None], 0.0, np.inf) + np.zeros(classes)
    for _ in range(2 * states):
        for state, last, token in np.ndindex(states, classes, classes):
            after = automaton.following[state, token]
            if after >= 0:
                needed[state, last] = min(needed[state, last], 1 + (token == last) + needed[after, token])
    return np.where(np.isinf(needed), IMPOSSIBLE, needed)


@pytest.mark.parametrize("seed", range(100))
def test_frames_needed_equal_the_fixed_point(seed):
    random = np.random.default_rng(seed)
    states, classes = random.integers(1, 8), random.integers(2, 5)
    following = random.integers(0, states, (states, classes))
    following[random.random(following.shape) < random.random()] = NONE
    automaton = make(following, random.random(states) < 0.3)
    assert (automaton.frames_needed() == reference(automaton)).all()


def test_a_long_chain_is_walked_once():
    """Each token of a run waits for a blank; after 3,000 states a number of frames is as soon found as one by one."""
    following = np.full((3001, 2), NONE)
    following[:-1, 1] = np.arange(1, 3001)
    needed = make(following, np.arange(3001) == 3000).frames_needed()
    assert needed[0].tolist() == [5999, 6000]
    assert needed[2999:].tolist() == [[1, 2], [0, 0]]
