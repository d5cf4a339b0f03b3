"""Optimizers and schedules against their definitions."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from recog.training.optimizers import OptimizerConfig, check_optimizer, make_optimizer, make_schedule


def step(optimizer, gradient, params, state=None) -> tuple[Any, Any, Any]:
    """Updates, new parameters and new state."""
    updates, state = optimizer.update(gradient, optimizer.init(params) if state is None else state, params)
    return updates, optax.apply_updates(params, updates), state


def minimise(config, steps=300):
    """The distance to the minimum of a quadratic after some steps, starting at 1."""
    optimizer = make_optimizer(config, steps)
    params = {"kernel": jnp.ones((2, 2))}
    state = None
    for _ in range(steps):
        _, params, state = step(optimizer, params, params, state)
    return float(jnp.abs(params["kernel"]).max())


@pytest.mark.parametrize(("name", "rate"), [("adadelta", 1.0), ("adam", 0.05), ("adamw", 0.05), ("sgd", 0.05)])
def test_every_optimizer_goes_downhill(name, rate):
    assert minimise(OptimizerConfig(name=name, learning_rate=rate)) < 0.5


def test_adadelta_is_zeilers_with_rho_0_9():
    optimizer = make_optimizer(OptimizerConfig(name="adadelta", learning_rate=1.0, schedule="constant"), 10)
    params, state = jnp.array([1.0]), None
    squares, steps, expected = 0.0, 0.0, 1.0
    for gradient in (0.5, -1.5, 2.0):
        squares = 0.9 * squares + 0.1 * gradient**2
        move = -np.sqrt(steps + 1e-6) / np.sqrt(squares + 1e-6) * gradient
        steps = 0.9 * steps + 0.1 * move**2
        expected += move
        _, params, state = step(optimizer, jnp.array([gradient]), params, state)
    np.testing.assert_allclose(params, [expected], rtol=1e-5)


def test_schedules_start_peak_and_end_where_they_should():
    cosine: Any = make_schedule(OptimizerConfig(learning_rate=2.0, warmup_steps=10), 100)
    assert [float(cosine(step)) for step in (0, 5, 10, 100)] == pytest.approx([0.0, 1.0, 2.0, 0.0], abs=1e-6)
    exponential: Any = make_schedule(OptimizerConfig(learning_rate=2.0, schedule="exponential", decay_rate=0.01), 100)
    assert [float(exponential(step)) for step in (0, 50, 100)] == pytest.approx([2.0, 0.2, 0.02], rel=1e-5)
    constant: Any = make_schedule(OptimizerConfig(learning_rate=2.0, schedule="constant"), 100)
    assert float(constant(99)) == 2.0


def optax_schedule(config: OptimizerConfig, steps: int) -> Any:
    """The same schedule of optax's parts."""
    rest = max(1, steps - config.warmup_steps)
    decay = {
        "constant": optax.constant_schedule(config.learning_rate),
        "cosine": optax.cosine_decay_schedule(config.learning_rate, rest),
        "exponential": optax.exponential_decay(config.learning_rate, rest, config.decay_rate),
    }[config.schedule]
    if not config.warmup_steps:
        return decay
    warmup = optax.linear_schedule(0.0, config.learning_rate, config.warmup_steps)
    return optax.join_schedules([warmup, decay], [config.warmup_steps])


@pytest.mark.parametrize("warmup", [0, 1, 7, 20])
@pytest.mark.parametrize("schedule", ["constant", "cosine", "exponential"])
def test_schedules_are_those_of_optax_for_numbers_and_for_arrays(schedule, warmup):
    config = OptimizerConfig(learning_rate=3e-3, schedule=schedule, warmup_steps=warmup)
    theirs = [float(optax_schedule(config, 20)(jnp.int32(step))) for step in range(25)]
    schedule_of_numbers: Any = make_schedule(config, 20)
    ours = [float(schedule_of_numbers(jnp.int32(step))) for step in range(25)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)

    @jax.jit
    def of_arrays(rate, warmup, steps, step):
        arrays = dataclasses.replace(config, learning_rate=rate, warmup_steps=warmup)
        return make_schedule(arrays, steps)(step)

    found = [float(of_arrays(3e-3, warmup, 20, step)) for step in range(25)]
    np.testing.assert_allclose(found, theirs, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_weight_decay_shrinks_kernels_alone(name):
    optimizer = make_optimizer(OptimizerConfig(name=name, learning_rate=0.1, weight_decay=0.1, schedule="constant"), 10)
    params = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2), "recurrent_bias": jnp.ones((2, 4))}
    zero = jax.tree.map(jnp.zeros_like, params)
    updates = step(optimizer, zero, params)[0]
    assert float(updates["kernel"].max()) < 0
    assert float(jnp.abs(updates["bias"]).max()) == 0
    assert float(jnp.abs(updates["recurrent_bias"]).max()) == 0, "stacked for both directions, yet a bias"


def test_clipping_bounds_the_global_norm():
    config = OptimizerConfig(name="sgd", learning_rate=1.0, momentum=0.0, schedule="constant", clip_norm=0.5)
    optimizer = make_optimizer(config, 10)
    params = {"a": jnp.ones(3), "b": jnp.ones(4)}
    updates = step(optimizer, {"a": 100 * jnp.ones(3), "b": -100 * jnp.ones(4)}, params)[0]
    assert float(optax.global_norm(updates)) == pytest.approx(0.5, rel=1e-5)


@pytest.mark.parametrize("clip_norm", [0.0, 0.5, 50.0])
@pytest.mark.parametrize("name", ["adam", "adamw"])
def test_adam_is_that_of_optax(name, clip_norm):
    config = OptimizerConfig(name=name, learning_rate=0.1, weight_decay=0.01, warmup_steps=2, clip_norm=clip_norm)
    schedule, random = make_schedule(config, 10), np.random.default_rng(0)
    plain = optax.adamw(schedule, weight_decay=0.01)
    if name == "adam":
        plain = optax.chain(optax.add_decayed_weights(0.01), optax.adam(schedule))
    if clip_norm:
        plain = optax.chain(optax.clip_by_global_norm(clip_norm), plain)
    mine = make_optimizer(config, 10)
    params = theirs = {"kernel": jnp.array(random.normal(size=(3, 4)), jnp.float32)}
    state = their_state = None
    for _ in range(5):
        gradient = {"kernel": jnp.array(random.normal(size=(3, 4)), jnp.float32)}
        _, params, state = step(mine, gradient, params, state)
        _, theirs, their_state = step(plain, gradient, theirs, their_state)
    np.testing.assert_allclose(params["kernel"], theirs["kernel"], rtol=1e-5, atol=1e-6)
    mine_leaves, their_leaves = jax.tree.leaves(state), jax.tree.leaves(their_state)
    for a, b in zip(mine_leaves, their_leaves, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


def test_clipping_of_no_gradient_and_of_one_that_is_not_finite():
    config = OptimizerConfig(name="sgd", learning_rate=1.0, momentum=0.0, schedule="constant", clip_norm=0.5)
    updates = [step(make_optimizer(config, 10), jnp.full(2, value), jnp.ones(2))[0] for value in (0.0, np.nan)]
    np.testing.assert_array_equal(updates, [[0, 0], [np.nan, np.nan]])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (OptimizerConfig(name="adagrad"), "optimizer.name='adagrad': choose"),
        (OptimizerConfig(schedule="linear"), "optimizer.schedule='linear': choose"),
        (OptimizerConfig(warmup_steps=11), "optimizer.warmup_steps=11"),
        (OptimizerConfig(schedule="exponential", decay_rate=0.0), "optimizer.decay_rate=0.0: choose"),
    ],
)
def test_unknown_settings_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        check_optimizer(config, 10)
