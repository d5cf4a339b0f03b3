"""Frozen parameters and their statistics stay as they are; the others learn as if the frozen ones were constants."""

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
from recog.ops.batch_norm import EPSILON, BatchNorm
from recog.tasks.task import Loss, LossOutput, Task, masked_mean
from recog.training.augment import AugmentConfig
from recog.training.freeze import Freeze
from recog.training.optimizers import OptimizerConfig, make_optimizer
from recog.training.stack import ONE, Stack
from recog.training.state import create_state
from recog.training.step import jit_train_step, make_advance, zero_totals
from tests.batches import text_batch


class Layer(nn.Module):
    """A 1x1 convolution and batch normalisation."""

    @nn.compact
    def __call__(self, x, live, *, train):
        kernel = self.param("kernel", nn.initializers.constant(1.5), (1, 1))
        return BatchNorm(name="norm")(x * kernel, live, train=train)


class Net(nn.Module):
    """Two layers and a linear output."""

    @nn.compact
    def __call__(self, images, live, *, train):
        x = Layer(name="backbone")(images, live, train=train)
        x = Layer(name="neck")(x, live, train=train)
        return jnp.mean(x, axis=(1, 2, 3)) * self.param("weight", nn.initializers.constant(2.0), ())


@dataclasses.dataclass(frozen=True)
class NetTask(Task):
    """Brings the output to targets, one loss for each of them."""

    targets: tuple[float, ...] = (1.0,)
    model: nn.Module = dataclasses.field(default_factory=Net)
    codec: TextCodec = dataclasses.field(default_factory=lambda: TextCodec(DIGITS, 1))

    @property
    def losses(self):
        return tuple(Loss(f"to_{t:g}", lambda *a, t=t: self._loss(t, *a)) for t in self.targets)

    def init(self, key, batch):
        return dict(self.model.init(key, batch.images, batch.mask[:, None], train=False))

    def predict(self, variables, images, sizes):
        raise NotImplementedError

    def count(self, prediction, targets):
        raise NotImplementedError

    def _loss(self, target, variables, batch, key):
        live, mutable = batch.mask[:, None], ["batch_stats"]
        outputs, model_state = self.model.apply(variables, batch.images, live, train=True, mutable=mutable)
        losses = (outputs - target) ** 2
        return masked_mean(losses, batch.mask), LossOutput(dict(model_state), losses, {})


def batch_of(rows: int = 4):
    images = np.random.default_rng(0).uniform(1, 3, (rows, 2, 2, 1)).astype(np.float32)
    zeros = np.zeros(rows, np.int32)
    return text_batch(images, zeros + 2, np.zeros((rows, 1), np.int32), zeros, mask=np.ones(rows, bool))


def run_step(pattern, *, targets=(1.0,), parts=1, runs=ONE, steps=1, average=0.0, **options):
    """States before and after some steps, and their totals."""
    options = {"name": "sgd", "learning_rate": 0.1, "schedule": "constant", "momentum": 0.0} | options
    optimizer, freeze, batch = make_optimizer(OptimizerConfig(**options), 10), Freeze(pattern), batch_of()
    task = NetTask(targets)
    states = [
        create_state(task, optimizer, jax.random.key(seed), batch, freeze, averages=average > 0)
        for seed in range(runs.size)
    ]
    advance = make_advance(task, optimizer, AugmentConfig(), 0, parts, freeze, average)
    step = jit_train_step(lambda settings: advance, make_mesh(), None, runs)
    before, totals = runs.stack(states), zero_totals(advance, states[0], batch, runs)
    state = jax.tree.map(jnp.copy, before)
    for _ in range(steps):
        state, totals = step({}, state, totals, batch)
    return before, state, totals


@pytest.mark.parametrize(
    ("targets", "parts", "name"), [((1.0,), 1, "adamw"), ((1.0, 3.0), 1, "adadelta"), ((1.0,), 2, "sgd")]
)
def test_frozen_parameters_and_statistics_stay_and_the_others_do_not(targets, parts, name):
    options = {"name": name, "momentum": 0.9, "weight_decay": 0.1 if len(targets) == 1 else 0.0}
    before, after, _ = run_step("^backbone/", targets=targets, parts=parts, steps=2, **options)
    for tree in ("params", "model_state"):
        old, new = getattr(before, tree), getattr(after, tree)
        old, new = (x.get("batch_stats", x) for x in (old, new))
        jax.tree.map(np.testing.assert_array_equal, old["backbone"], new["backbone"])
        assert all(jax.tree.leaves(jax.tree.map(lambda a, b: bool((a != b).any()), old["neck"], new["neck"])))
    whole = run_step("", targets=targets, parts=parts, steps=0, **options)[0]
    moments, of_all = (len(jax.tree.leaves(state.optimizer_states)) for state in (after, whole))
    of_each = {"adamw": 2, "adadelta": 2, "sgd": 1}[name] * len(targets)
    assert of_all - moments == of_each * len(jax.tree.leaves(before.params["backbone"]))


def test_the_gradient_is_that_with_frozen_layers_as_in_evaluation():
    before, after, totals = run_step("^backbone/", clip_norm=0.01)
    x, params = batch_of().images, before.params
    x = x * 1.5 / jnp.sqrt(1 + EPSILON)  # the running mean and variance are 0 and 1

    def loss(trained):
        y = x * trained["neck"]["kernel"]
        norm, axes = trained["neck"]["norm"], (0, 1, 2)
        y = (y - y.mean(axes)) / jnp.sqrt(y.var(axes) + EPSILON) * norm["scale"] + norm["bias"]
        return jnp.mean((y.mean((1, 2, 3)) * trained["weight"] - 1) ** 2)

    trained = {name: params[name] for name in ("neck", "weight")}
    value, gradient = jax.value_and_grad(loss)(trained)
    norm = optax.global_norm(gradient)
    assert float(totals.sums["to_1_loss"]) == pytest.approx(4 * float(value), rel=1e-5)
    assert float(totals.sums["to_1_gradient_norm"]) == pytest.approx(4 * float(norm), rel=1e-4)
    expected = jax.tree.map(lambda p, g: p - 0.1 * 0.01 * g / norm, trained, gradient)
    found = {name: after.params[name] for name in trained}
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7), found, expected)


def test_runs_that_train_as_one_program_freeze_alike():
    _, alone, _ = run_step("^backbone/", steps=2)
    _, together, _ = run_step("^backbone/", steps=2, runs=Stack(2))
    for place in range(2):
        own = Stack(2).take(together, place)
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), own, alone)


def test_the_average_holds_the_trained_parameters_alone_and_is_merged_with_the_frozen_ones():
    before, after, _ = run_step("^backbone/", average=0.9)
    assert set(after.average) == {"neck", "weight"}
    expected = 0.1 * before.params["weight"] + 0.9 * after.params["weight"]  # decay (1 + 0) / (10 + 0) at first
    averaged = after.averaged["params"]
    assert float(averaged["weight"]) == pytest.approx(float(expected), rel=1e-6)
    assert jax.tree.structure(averaged) == jax.tree.structure(after.params)
    jax.tree.map(np.testing.assert_array_equal, averaged["backbone"], after.params["backbone"])


def test_layers_with_some_trained_parameters_keep_learning_statistics():
    params = {"a": {"kernel": 0, "norm": {"scale": 0, "bias": 0}}}
    variables = {"params": params, "batch_stats": {"a": {"norm": {"mean": 0}, "bare": {"mean": 0}}}}
    assert Freeze("kernel|scale").still(variables) == frozenset()
    assert Freeze("scale|bias").still(variables) == {("a", "norm")}
    assert Freeze("^a/").still(variables) == {("a", "norm"), ("a", "bare")}
    assert Freeze("").still(variables) == frozenset()


@pytest.mark.parametrize(("pattern", "found"), [("bakbone", "matches none of the 2"), (".", "matches all 2")])
def test_expressions_that_match_nothing_or_everything_are_refused_with_some_paths(pattern, found):
    with pytest.raises(ValueError, match=f"optimizer.freeze='{pattern}' {found} parameters, such as a/kernel, b/bias"):
        Freeze(pattern).check({"a": {"kernel": 0}, "b": {"bias": 0}})
