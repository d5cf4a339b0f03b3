"""Automata with random weights, and the weight of a text as a loop finds it."""

import numpy as np

from recog.alphabet import Alphabet
from recog.ctc.automaton import Automaton
from recog.ctc.pattern import compile_pattern


def weighted(pattern: str, alphabet: Alphabet) -> Automaton:
    """A pattern that also prefers some texts."""
    automaton, random = compile_pattern(pattern, alphabet), np.random.default_rng(5)
    weights = random.standard_normal(automaton.weights.shape).astype(np.float32)
    return automaton._replace(weights=weights, final=automaton.final - np.float32(0.5))


def weight(automaton: Automaton, text: tuple[int, ...]) -> float:
    """Log weight of a text; ``-inf`` if it is not accepted."""
    state, total = 0, 0.0
    for token in text:
        if automaton.following[state, token] < 0:
            return -np.inf
        total += float(automaton.weights[state, token])
        state = automaton.following[state, token]
    return total + float(automaton.final[state])
