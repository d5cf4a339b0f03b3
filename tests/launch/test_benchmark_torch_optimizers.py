"""PyTorch's optimizers are ours: rates, decay, momentum."""

from typing import Any

import numpy as np
import optax
import pytest

from recog.training import optimizers
from recog.training.optimizers import NAMES, OptimizerConfig


@pytest.mark.parametrize(("name", "momentum"), [*((name, 0.0) for name in NAMES), ("sgd", 0.9)])
def test_updates_are_ours(name, momentum):
    torch = pytest.importorskip("torch")
    from launch.benchmarks.torch_training import make_optimizer

    random = np.random.default_rng(0)
    config = OptimizerConfig(name, learning_rate=0.1, schedule="constant", momentum=momentum, weight_decay=0.3)
    params: Any = {"kernel": random.standard_normal((3, 2), np.float32), "bias": random.standard_normal(2, np.float32)}
    theirs = {key: torch.tensor(value, requires_grad=True) for key, value in params.items()}
    ours, optimizer = optimizers.make_optimizer(config, 10), make_optimizer(config, list(theirs.values()), "cpu")
    state: Any = ours.init(params)
    for _ in range(3):
        gradient = {key: random.standard_normal(value.shape, np.float32) for key, value in params.items()}
        updates, state = ours.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
        for key, parameter in theirs.items():
            parameter.grad = torch.tensor(gradient[key])
        optimizer.step()
    for key, parameter in theirs.items():
        np.testing.assert_allclose(parameter.detach(), params[key], rtol=1e-4, atol=1e-5)
