"""No configuration can rot: each builds, and its training step has consistent shapes."""

import importlib
from pathlib import Path

import jax
import pytest

from launch.build import abstract_state, make_task, shape_of_batch
from launch.config import Config
from recog.training.optimizers import make_optimizer
from recog.training.step import make_advance

NAMES = sorted(path.stem for path in Path("launch/configs").glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_of_each_configuration_has_consistent_shapes(name):
    module = importlib.import_module(f"launch.configs.{name}")
    config = module.get_config()
    assert isinstance(config, Config)
    task = make_task(config)
    state = abstract_state(config, task)
    advance = make_advance(task, make_optimizer(config.optimizer, config.train.steps), config.augment, config.seed)
    after, report = jax.eval_shape(advance, state, shape_of_batch(config))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    assert report.sums["ctc_loss"].shape == ()


@pytest.mark.parametrize("name", NAMES)
def test_each_configuration_tells_its_command(name):
    module = importlib.import_module(f"launch.configs.{name}")
    assert f"python -m launch.train --config=launch/configs/{name}.py" in (module.__doc__ or "")
