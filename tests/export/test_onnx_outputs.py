"""What ONNX programs return becomes, by NumPy, what the decoders on the device return."""

import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import PRICE as TOKENS
from recog.composition import compose
from recog.ctc import best_path
from recog.detection.suppression import suppress
from recog.export import onnx_outputs
from recog.structure import PRICE
from recog.tasks.greedy import until_end

BLANK = TOKENS.blank_id


def random_logits(frames: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits with long runs and, in the second row, blanks alone; and lengths, of which the last is 0."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 3, (6, frames, TOKENS.classes)).astype(np.float32)
    logits[:, 1::2] = logits[:, ::2] + random.normal(0, 0.3, logits[:, ::2].shape)
    logits[1, :, BLANK] += 40
    return logits, np.array([frames, frames, 5, 1, frames - 1, 0], np.int32)


def in_place(logits: np.ndarray, lengths: np.ndarray, suffix: str = "") -> dict[str, np.ndarray]:
    """What a program returns for these logits."""
    live = np.arange(logits.shape[1]) < lengths[:, None]
    powers = np.exp(logits - logits.max(axis=2, keepdims=True))
    best = (powers / powers.sum(axis=2, keepdims=True)).max(axis=2)
    path = np.where(live, logits.argmax(axis=2), BLANK).astype(np.int32)
    found = {"logits": logits, "logit_lengths": lengths, "path": path, "confidences": np.where(live, best, 0)}
    return {f"{name}{suffix}": array for name, array in found.items()}


def assert_same(found, wanted) -> None:
    for name in wanted._fields:
        one, other = (np.asarray(getattr(decoded, name)) for decoded in (found, wanted))
        assert one.dtype == other.dtype, name
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("seed", range(3))
def test_best_path_is_packed_as_on_the_device(seed):
    logits, lengths = random_logits(12, seed)
    wanted = best_path(jnp.asarray(logits), jnp.asarray(lengths), blank_id=BLANK)
    assert (np.asarray(wanted.lengths) > 2).any()
    assert_same(onnx_outputs.packed_path(in_place(logits, lengths), BLANK), wanted)


def test_greedy_reading_is_packed_as_on_the_device():
    logits, _ = random_logits(8, 3)
    logits[2, 3, BLANK] += 20  # an end within the text; other rows may have none
    places = np.random.default_rng(0).integers(0, 9, logits.shape[:2]).astype(np.int32)
    found = in_place(logits, np.full(6, 8), ".part") | {"places.part": places}
    wanted = until_end(jnp.asarray(logits), jnp.asarray(places), BLANK)
    assert_same(onnx_outputs.packed_greedy(found, BLANK, ".part"), wanted)


def test_parts_are_composed_as_on_the_device():
    by_branch = {branch.name: random_logits(8, seed) for seed, branch in enumerate(PRICE.branches)}
    found = {}
    for name, (logits, lengths) in by_branch.items():
        found |= in_place(logits, lengths, f".{name}")
    read = {name: best_path(*map(jnp.asarray, scores), blank_id=BLANK) for name, scores in by_branch.items()}
    composed = onnx_outputs.composed(PRICE, TOKENS, onnx_outputs.packed_path, found)
    assert isinstance(composed.tokens, np.ndarray)
    assert_same(composed, compose(PRICE, TOKENS, read))


def test_detections_are_suppressed_as_on_the_device():
    random = np.random.default_rng(0)
    low = random.uniform(0, 30, (3, 40, 2))
    found = {
        "boxes": np.concatenate([low, low + random.uniform(5, 30, low.shape)], axis=2).astype(np.float32),
        "corners": random.normal(size=(3, 40, 4, 2)).astype(np.float32),
        "classes": random.integers(0, 2, (3, 40)).astype(np.int32),
        "scores": np.sort(random.uniform(0, 1, (3, 40)).astype(np.float32), axis=1)[:, ::-1],
    }
    found["scores"][2, 3:] = 0
    boxes, classes, scores = (jnp.asarray(found[name]) for name in ("boxes", "classes", "scores"))
    kept = np.asarray(suppress(boxes, classes, scores, most=0.45))
    chosen = onnx_outputs.suppressed(found, most=0.45, count=10)
    for row in range(3):
        places = np.flatnonzero(kept[row])[:10]
        assert chosen["mask"][row].sum() == len(places) > 1
        for name, array in found.items():
            np.testing.assert_array_equal(chosen[name][row, : len(places)], array[row, places], err_msg=name)
            assert not chosen[name][row, len(places) :].any()
