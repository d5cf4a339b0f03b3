"""One training step over a task small enough to be worked out by hand."""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.mesh import make_mesh
from recog.tasks.task import Loss, LossOutput, Task, masked_mean
from recog.training.augment import AugmentConfig
from recog.training.optimizers import OptimizerConfig, make_optimizer
from recog.training.state import create_state
from recog.training.step import jit_train_step, make_advance, zero_totals
from tests.batches import text_batch


class Scale(nn.Module):
    """``weight * mean brightness`` of each picture."""

    @nn.compact
    def __call__(self, images):
        weight = self.param("weight", nn.initializers.constant(2.0), ())
        return weight * jnp.mean(images.astype(jnp.float32), axis=(1, 2, 3))


@dataclasses.dataclass(frozen=True)
class ScaleTask(Task):
    """Brings the output to targets, one loss for each of them."""

    targets: tuple[float, ...]
    model: nn.Module = dataclasses.field(default_factory=Scale)
    codec: TextCodec = dataclasses.field(default_factory=lambda: TextCodec(DIGITS, 1))

    @property
    def losses(self):
        return tuple(
            Loss(f"to_{target:g}", lambda *a, target=target: self._loss(target, *a)) for target in self.targets
        )

    def init(self, key, batch):
        return dict(self.model.init(key, batch.images))

    def predict(self, variables, images, sizes):
        raise NotImplementedError

    def count(self, prediction, targets):
        raise NotImplementedError

    def _loss(self, target, variables, batch, key):
        losses = (self.model.apply(variables, batch.images) - target) ** 2
        return masked_mean(losses, batch.mask), LossOutput({}, losses, {"accuracy": jnp.sum(batch.mask)})


def batch_of(brightness, mask=None):
    rows = len(brightness)
    images = np.broadcast_to(np.array(brightness, np.float32)[:, None, None, None], (rows, 2, 2, 1))
    zeros = np.zeros(rows, np.int32)
    mask = np.ones(rows, bool) if mask is None else np.array(mask)
    ids = np.where(mask, np.arange(10, 10 + rows), -1).astype(np.int32)
    return text_batch(images, zeros + 2, np.zeros((rows, 1), np.int32), zeros, ids, mask)


def prepare(task, batch, rate=0.1, parts=1, name="sgd", clip_norm=0.0, average=0.0):
    config = OptimizerConfig(name, rate, "constant", momentum=0.0, weight_decay=0.0, clip_norm=clip_norm)
    optimizer = optax.sgd(rate, momentum=0.9) if name == "optax's own" else make_optimizer(config, 10)
    state = create_state(task, optimizer, jax.random.key(0), batch, averages=average > 0)
    advance = make_advance(task, optimizer, AugmentConfig(), 0, parts, average=average)
    step = jit_train_step(lambda settings: advance, make_mesh(), None)

    def keeping(state, totals, batch):  # what the step donates
        state, totals = jax.tree.map(jnp.copy, (state, totals))
        return step({}, state, totals, batch)

    return state, keeping, zero_totals(advance, state, batch)


def test_step_is_gradient_descent_on_the_samples_mean():
    batch = batch_of([1.0, 3.0, 100.0], mask=[True, True, False])
    state, train_step, totals = prepare(ScaleTask((1.0,)), batch)
    state, totals = train_step(state, totals, batch)
    gradient = np.mean([2 * (2 * 1 - 1) * 1, 2 * (2 * 3 - 1) * 3])
    assert float(state.params["weight"]) == pytest.approx(2 - 0.1 * gradient, rel=1e-6)
    assert int(state.step) == 1
    assert float(totals.sums["to_1_loss"]) == pytest.approx(1**2 + 5**2)
    assert float(totals.sums["samples"]) == 2
    assert float(totals.sums["skipped"]) == 1


def test_losses_are_applied_in_turn():
    batch = batch_of([1.0])
    state, train_step, totals = prepare(ScaleTask((1.0, 5.0)), batch)
    assert len(state.optimizer_states) == 2
    state, _ = train_step(state, totals, batch)
    after_first = 2 - 0.1 * 2 * (2 - 1)
    assert float(state.params["weight"]) == pytest.approx(after_first - 0.1 * 2 * (after_first - 5), rel=1e-6)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_of_a_batch_add_up_to_it_whatever_samples_each_has(parts):
    batch = batch_of([1.0, 3.0, 9.0, 2.0, 9.0, 0.5, 9.0, 9.0], mask=[1, 1, 0, 1, 0, 1, 0, 0])  # one of four has none
    outcomes = []
    for count in (1, parts):
        state, train_step, totals = prepare(ScaleTask((1.0, 5.0)), batch, parts=count)
        outcomes.append(train_step(state, totals, batch))
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), *outcomes)


def test_a_sample_in_any_part_that_is_not_finite_is_named():
    batch = batch_of([1.0, np.inf, 2.0, 3.0])
    state, train_step, totals = prepare(ScaleTask((1.0,)), batch, parts=2)
    _, totals = train_step(state, totals, batch)
    assert int(totals.trouble_step) == 0
    assert totals.trouble_ids.tolist() == [-1, 11, -1, -1]


def test_totals_sum_over_steps():
    batch = batch_of([1.0, 2.0])
    state, train_step, totals = prepare(ScaleTask((0.0,)), batch, rate=0.0)
    for _ in range(3):
        state, totals = train_step(state, totals, batch)
    assert float(totals.sums["samples"]) == 6
    assert float(totals.sums["accuracy"]) == 6
    assert float(totals.sums["to_0_loss"]) == pytest.approx(3 * (2**2 + 4**2))


def test_first_trouble_is_remembered_with_its_samples():
    good, bad, worse = batch_of([1.0, 1.0]), batch_of([1.0, np.nan]), batch_of([np.inf, 1.0])
    state, train_step, totals = prepare(ScaleTask((1.0,)), good)
    state, totals = train_step(state, totals, good)
    assert int(totals.trouble_step) == -1
    for batch in (bad, worse):
        state, totals = train_step(state, totals, batch)
    assert int(totals.trouble_step) == 1
    assert totals.trouble_ids.tolist() == [-1, 11]


def test_the_average_follows_the_parameters_faster_at_first_and_pauses_with_them():
    full, empty = batch_of([1.0, 3.0]), batch_of([np.nan, np.nan], mask=[False, False])
    state, train_step, totals = prepare(ScaleTask((1.0,)), full, rate=0.01, average=0.2)
    expected = weight = float(state.params["weight"])
    assert float(state.average["weight"]) == expected
    for step, batch in enumerate((full, empty, full, full)):
        state, totals = train_step(state, totals, batch)
        weight, before = float(state.params["weight"]), weight
        decay = min(0.2, (1 + step) / (10 + step))
        expected = expected if batch is empty else decay * expected + (1 - decay) * weight
        assert float(state.average["weight"]) == pytest.approx(expected, rel=1e-6)
        assert (weight == before) == (batch is empty)
    assert float(state.averaged["params"]["weight"]) == pytest.approx(expected, rel=1e-6)


def test_without_an_average_the_state_has_no_further_arrays():
    batch = batch_of([1.0])
    with_average, without = (prepare(ScaleTask((1.0,)), batch, average=rate)[0] for rate in (0.9, 0.0))
    assert len(jax.tree.leaves(with_average)) == len(jax.tree.leaves(without)) + 1
    assert without.averaged["params"] is without.params


@pytest.mark.parametrize("name", ["adadelta", "adam", "adamw", "sgd", "optax's own"])
def test_a_batch_without_any_sample_changes_nothing_but_the_step(name):
    full, empty = batch_of([1.0, 3.0]), batch_of([np.nan, np.nan], mask=[False, False])
    state, train_step, totals = prepare(ScaleTask((1.0,)), full, name=name, clip_norm=1.0)
    for steps_before in range(2):  # with moments of nothing, and of something
        after, new_totals = train_step(state, totals, empty)
        jax.tree.map(np.testing.assert_array_equal, after, state.replace(step=steps_before + 1))
        assert int(new_totals.trouble_step) == -1
        assert float(new_totals.sums["skipped"] - totals.sums["skipped"]) == 2
        assert all(float(new_totals.sums[x] - totals.sums[x]) == 0 for x in ("samples", "to_1_loss"))
        state, totals = train_step(state, totals, full)
    assert float(state.params["weight"]) != 2.0


def test_rows_without_a_sample_are_no_trouble():
    batch = batch_of([1.0, 1.0], mask=[True, False])
    batch = batch._replace(images=np.where(np.arange(2)[:, None, None, None] == 1, np.float32(0), batch.images))
    state, train_step, totals = prepare(ScaleTask((1.0,)), batch)
    _, totals = train_step(state, totals, batch)
    assert int(totals.trouble_step) == -1
