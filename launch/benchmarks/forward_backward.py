"""The textbook forward-backward in float64 NumPy: the reference for measured gradients."""

import math

import numpy as np
from jaxtyping import Float, Int


def _alphas(emissions: np.ndarray, label: np.ndarray) -> np.ndarray:
    """Forward variables ``T S`` from emissions ``T S``; even states are blanks (Graves 2006, equations 6-8)."""
    skips = np.zeros(emissions.shape[1], bool)
    skips[3::2] = label[1:] != label[:-1]
    state = np.full(emissions.shape[1], -np.inf)
    alphas = np.empty_like(emissions)
    for t, emission in enumerate(emissions):
        if t == 0:
            state[:2] = 0.0
        else:
            one, two = (np.concatenate([np.full(n, -np.inf), state])[: state.size] for n in (1, 2))
            state = np.logaddexp(np.logaddexp(state, one), np.where(skips, two, -np.inf))
        state = state + emission
        alphas[t] = state
    return alphas


def float64_reference(
    logits: Float[np.ndarray, "T K"], label: Int[np.ndarray, " L"], blank_id: int = 0
) -> tuple[float, Float[np.ndarray, "T K"]]:
    """Loss and gradient of one sample; ``inf`` and zeros for an impossible label."""
    if len(logits) == 0:
        return (math.inf if len(label) else 0.0), np.zeros(logits.shape)
    scores = logits.astype(np.float64)
    scores -= scores.max(axis=1, keepdims=True)
    scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
    states = np.full(2 * len(label) + 1, blank_id)
    states[1::2] = label
    emissions = scores[:, states]
    forward = _alphas(emissions, label)
    backward = _alphas(emissions[::-1, ::-1], label[::-1])[::-1, ::-1]
    log_likelihood = np.logaddexp.reduce(forward[-1, -2:])
    if log_likelihood == -np.inf:
        return math.inf, np.zeros(logits.shape)
    # Both sweeps count the emission of the frame where they meet; an impossible emission leaves no path to count.
    paths = np.where(emissions > -np.inf, forward + backward - np.maximum(emissions, -1e300), -np.inf)
    tokens = states[:, None] == np.arange(logits.shape[1])  # S K
    return -float(log_likelihood), np.exp(scores) - np.exp(paths - log_likelihood) @ tokens
