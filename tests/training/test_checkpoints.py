"""Checkpoints hold state and card; the best is kept apart from the latest."""

from pathlib import Path
from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
import pytest

from recog.mesh import make_mesh, replicated
from recog.training.checkpoints import CHECKSUMS, KEPT, Checkpoints, abstract, damage
from recog.training.checksums import DamagedCheckpointError, checksums
from recog.training.state import TrainState

CARD = {"alphabet": {"tokens": ["a"]}, "config": {"seed": 0}}


def state_at(step: int) -> TrainState:
    return TrainState(
        step=jnp.array(step, jnp.int32),
        params={"kernel": jnp.full((2, 3), float(step))},
        model_state={"batch_stats": {"mean": jnp.full(3, -float(step))}},
        optimizer_states=((jnp.array(step * 10),),),
    )


HERE = replicated(make_mesh())
LIKE = abstract(jax.eval_shape(lambda: state_at(0)), HERE)


def test_state_and_card_come_back(tmp_path):
    with Checkpoints(tmp_path, CARD) as checkpoints:
        checkpoints.save(state_at(7), 7)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(LIKE)
    assert restored.step == 7
    assert restored.card == {**CARD, "metrics": {}}
    for a, b in zip(jax.tree.leaves(restored.state), jax.tree.leaves(state_at(7)), strict=True):
        np.testing.assert_array_equal(a, b)


class EarlierState(flax.struct.PyTreeNode):
    """State of versions without averages."""

    step: Any
    params: Any
    model_state: Any
    optimizer_states: Any


def test_checkpoints_of_versions_without_averages_are_restored(tmp_path):
    state = state_at(7)
    earlier = EarlierState(state.step, state.params, state.model_state, state.optimizer_states)
    folder, card = tmp_path / "checkpoints" / "latest", {**CARD, "metrics": {}}
    items = ocp.args.Composite(
        state=ocp.args.StandardSave(earlier), card=ocp.args.JsonSave({**card, CHECKSUMS: checksums(state, card)})
    )
    with ocp.CheckpointManager(folder) as manager:
        manager.save(7, args=items)
    with Checkpoints(tmp_path, writes=False) as checkpoints:
        restored = checkpoints.restore(LIKE)
    assert restored.state.average is None
    jax.tree.map(np.testing.assert_array_equal, restored.state, state)


def test_an_average_comes_back(tmp_path):
    state = state_at(7).replace(average={"kernel": jnp.full((2, 3), 0.5)})
    with Checkpoints(tmp_path, CARD) as checkpoints:
        checkpoints.save(state, 7)
    with Checkpoints(tmp_path) as checkpoints:
        restored = checkpoints.restore(abstract(state, HERE))
    jax.tree.map(np.testing.assert_array_equal, restored.state, state)


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
        restored = checkpoints.for_use()[0].restore(LIKE)
        assert restored.step == 3, "the best is used, not the latest"
        assert restored.card["metrics"] == {"accuracy": 0.5}


def test_another_rate_decides_between_equals(tmp_path):
    rates = [(1, 0.5, 0.3), (2, 0.5, 0.4), (3, 0.5, 0.2), (4, 0.6, 0.9), (5, 0.4, 0.1), (6, 0.6, 0.9)]
    with Checkpoints(tmp_path, CARD) as checkpoints:
        kept = [
            checkpoints.save_if_best(state_at(s), s, {"accuracy": a, "log_loss": x}, "accuracy", "log_loss")
            for s, a, x in rates
        ]
        assert kept == [True, False, True, True, False, True]


def test_a_resumed_run_may_evaluate_the_best_step_again(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.save_if_best(state_at(6), 6, {"accuracy": 0.5}, "accuracy")
    with Checkpoints(tmp_path) as checkpoints:
        assert not checkpoints.save_if_best(state_at(6), 6, {"accuracy": 0.5}, "accuracy")
        assert checkpoints.save_if_best(state_at(12), 12, {"accuracy": 0.5}, "accuracy")


def test_latest_is_used_when_none_was_evaluated_and_none_is_said(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        with pytest.raises(FileNotFoundError, match="train first"):
            checkpoints.for_use()[0].restore(LIKE)
        checkpoints.save(state_at(4), 4)
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.for_use()[0].restore(LIKE).step == 4


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
        (saved,) = reading.for_use()
        assert saved.folder.exists()
        with Checkpoints(tmp_path, CARD) as training:
            training.save_if_best(state_at(2), 2, {"accuracy": 0.6}, "accuracy")
        assert not saved.folder.exists()


def test_reading_changes_no_file_and_logs_nothing(tmp_path, caplog):
    with Checkpoints(tmp_path, CARD) as training:
        training.save(state_at(1), 1)
        training.save(state_at(2), 2)
    (tmp_path / "checkpoints" / "best").rmdir()  # one that a copy left out
    files = sorted(tmp_path.rglob("*"))
    with caplog.at_level("WARNING"), Checkpoints(tmp_path, writes=False) as reading:
        assert reading.for_use()[0].restore(LIKE).step == 2
    assert sorted(tmp_path.rglob("*")) == files
    assert not caplog.records


def files_of(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


@pytest.mark.exhaustive
def test_no_changed_byte_is_restored_as_another_value(tmp_path):
    """Each file of a checkpoint with each of a few bytes changed, cut short, or missing."""
    random = np.random.default_rng(0)
    with Checkpoints(tmp_path, CARD) as checkpoints:
        checkpoints.save(state_at(7).replace(params={"kernel": jnp.asarray(random.normal(size=(64, 64)))}), 7)
    like = abstract(jax.eval_shape(lambda: state_at(7).replace(params={"kernel": jnp.zeros((64, 64))})), HERE)
    with Checkpoints(tmp_path) as checkpoints:
        expected = checkpoints.restore(like)
    noticed = []
    for path in files_of(tmp_path / "checkpoints"):
        content = path.read_bytes()
        places = random.integers(0, len(content), 3)
        changed = [content[:at] + bytes([content[at] ^ 16]) + content[at + 1 :] for at in places]
        for damaged in (*changed, content[: len(content) // 2], None):
            path.unlink() if damaged is None else path.write_bytes(damaged)
            with Checkpoints(tmp_path, writes=False) as checkpoints:
                try:
                    restored = checkpoints.restore(like)
                except Exception as error:
                    noticed.append(damage(error))
                    continue
            assert restored.card == expected.card
            jax.tree.map(np.testing.assert_array_equal, restored.state, expected.state)
        path.write_bytes(content)
    assert len(noticed) > 10
    assert None not in noticed


def test_changed_values_are_named_and_checkpoints_without_checksums_are_read(tmp_path):
    with Checkpoints(tmp_path, CARD) as checkpoints:
        checkpoints.save(state_at(7), 7)
    (card,) = tmp_path.rglob("card/metadata")
    text = card.read_text()
    for old, new, message in (
        ('"seed": 0', '"seed": 1', "checksum of card"),
        ("kernel']\": ", "kernel']\": 1", "kernel"),
    ):
        assert old in text
        card.write_text(text.replace(old, new))
        with Checkpoints(tmp_path) as checkpoints, pytest.raises(DamagedCheckpointError, match=message):
            checkpoints.restore(LIKE)
    card.write_text(text.replace('"checksums": {', '"unused": {'))
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.restore(LIKE).step == 7


@pytest.mark.parametrize("error", [PermissionError("x"), ValueError("RESOURCE_EXHAUSTED: x"), MemoryError()])
def test_other_failures_are_no_damage(error):
    assert damage(error) is None
