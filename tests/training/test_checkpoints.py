"""Checkpoints hold state and card; the best is kept apart from the latest."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.mesh import make_mesh, replicated
from recog.training.checkpoints import KEPT, Checkpoints, abstract
from recog.training.state import TrainState

CARD = {"alphabet": {"tokens": ["a"]}, "config": {"seed": 0}}


def state_at(step: int) -> TrainState:
    return TrainState(
        step=jnp.array(step, jnp.int32),
        params={"kernel": jnp.full((2, 3), float(step))},
        model_state={"batch_stats": {"mean": jnp.full(3, -float(step))}},
        optimizer_states=((jnp.array(step * 10),),),
    )


LIKE = abstract(jax.eval_shape(lambda: state_at(0)), replicated(make_mesh()))


def test_state_and_card_come_back(tmp_path):
    with Checkpoints(tmp_path, CARD) as checkpoints:
        checkpoints.save(state_at(7), 7)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(LIKE)
    assert restored.step == 7
    assert restored.card == {**CARD, "metrics": {}}
    for a, b in zip(jax.tree.leaves(restored.state), jax.tree.leaves(state_at(7)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_newest_few_are_kept(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.latest_step() is None
        for step in range(1, 6):
            checkpoints.save(state_at(step), step)
        checkpoints.save(state_at(5), 5)  # the last step of a run may be due twice
        assert checkpoints.latest_step() == 5
    kept = sorted(int(p.name) for p in (tmp_path / "checkpoints" / "latest").iterdir())
    assert kept == list(range(6 - KEPT, 6))


def test_best_follows_accuracy_and_of_equals_the_latest(tmp_path):
    with Checkpoints(tmp_path, CARD) as checkpoints:
        kept = [
            checkpoints.save_if_best(state_at(s), s, {"accuracy": a}, "accuracy")
            for s, a in [(1, 0.5), (2, 0.4), (3, 0.5)]
        ]
        assert kept == [True, False, True]
        assert checkpoints.best_step() == 3
        checkpoints.save(state_at(4), 4)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore_for_use(LIKE)
        assert restored.step == 3, "the best is used, not the latest"
        assert restored.card["metrics"] == {"accuracy": 0.5}


def test_a_resumed_run_may_evaluate_the_best_step_again(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.save_if_best(state_at(6), 6, {"accuracy": 0.5}, "accuracy")
    with Checkpoints(tmp_path) as checkpoints:
        assert not checkpoints.save_if_best(state_at(6), 6, {"accuracy": 0.5}, "accuracy")
        assert checkpoints.save_if_best(state_at(12), 12, {"accuracy": 0.5}, "accuracy")


def test_latest_is_used_when_none_was_evaluated_and_none_is_said(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(FileNotFoundError, match="train first"):
            checkpoints.restore_for_use(LIKE)
        checkpoints.save(state_at(4), 4)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore_for_use(LIKE).step == 4


def test_a_saved_state_is_not_changed_by_the_steps_after_it(tmp_path):
    """The state is donated to the next step while its checkpoint is still being written."""
    state = state_at(1)
    advance = jax.jit(lambda s: jax.tree.map(lambda x: x + 1, s), donate_argnums=0)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(state, 1)
        for _ in range(5):
            state = advance(state)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(LIKE).state
    for a, b in zip(jax.tree.leaves(restored), jax.tree.leaves(state_at(1)), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_better_checkpoint_saved_meanwhile_is_noticed(tmp_path):
    with Checkpoints(tmp_path, CARD) as training:
        training.save_if_best(state_at(1), 1, {"accuracy": 0.5}, "accuracy")
    with Checkpoints(tmp_path, writes=False) as reading:
        assert not reading.replaced()
        with Checkpoints(tmp_path, CARD) as training:
            training.save_if_best(state_at(2), 2, {"accuracy": 0.6}, "accuracy")
        assert reading.replaced()


def test_reading_changes_no_file_and_logs_nothing(tmp_path, caplog):
    with Checkpoints(tmp_path, CARD) as training:
        training.save(state_at(1), 1)
        training.save(state_at(2), 2)
    (tmp_path / "checkpoints" / "best").rmdir()  # one that a copy left out
    files = sorted(tmp_path.rglob("*"))
    with caplog.at_level("WARNING"), Checkpoints(tmp_path, writes=False) as reading:
        assert reading.restore_for_use(LIKE).step == 2
    assert sorted(tmp_path.rglob("*")) == files
    assert not caplog.records
