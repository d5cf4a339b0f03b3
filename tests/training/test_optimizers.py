"""Optimizers and schedules against their definitions."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from recog.training.optimizers import OptimizerConfig, make_optimizer, make_schedule


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


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (OptimizerConfig(name="adagrad"), "optimizer.name='adagrad': choose"),
        (OptimizerConfig(schedule="linear"), "optimizer.schedule='linear': choose"),
        (OptimizerConfig(warmup_steps=11), "optimizer.warmup_steps=11"),
    ],
)
def test_unknown_settings_are_named(config, message):
    with pytest.raises(ValueError, match=message):
        make_optimizer(config, 10)
