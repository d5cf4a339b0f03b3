"""Path posteriors, by enumeration of all paths."""

import itertools

import jax.numpy as jnp
import numpy as np

from recog.ctc.loss import occupancies


def enumerated(logits: np.ndarray, label: list[int]) -> np.ndarray:
    """Probability that each frame emits each token: sums over all paths of the label, in float64."""
    chances = np.exp(logits.astype(np.float64))
    chances /= chances.sum(axis=1, keepdims=True)
    found, total = np.zeros((len(logits), len(label))), 0.0
    for path in itertools.product(range(logits.shape[1]), repeat=len(logits)):
        slots, last, count = [], 0, -1
        for token in path:
            count += token not in (0, last)
            slots.append(count if token else None)
            last = token
        runs = [token for token, before in zip(path, (0, *path), strict=False) if token not in (0, before)]
        if runs == label:
            chance = np.prod([row[token] for row, token in zip(chances, path, strict=True)])
            total += chance
            for frame, slot in enumerate(slots):
                if slot is not None:
                    found[frame, slot] += chance
    return found / total


def test_occupancies_are_those_of_all_paths():
    logits = np.random.default_rng(0).normal(size=(3, 5, 3)).astype(np.float32)
    labels, lengths, frames = np.array([[1, 2, 0], [1, 1, 0], [2, 2, 2]]), np.array([2, 2, 3]), np.array([5, 4, 4])
    found = np.asarray(occupancies(*map(jnp.asarray, (logits, frames, labels, lengths))))
    np.testing.assert_allclose(found[0, :, :2], enumerated(logits[0], [1, 2]), atol=1e-5)
    np.testing.assert_allclose(found[1, :4, :2], enumerated(logits[1, :4], [1, 1]), atol=1e-5)
    assert not found[1, 4].any()  # beyond the frames
    assert not found[0, :, 2].any()  # beyond the label
    assert not found[2].any()  # three equal tokens need five frames
