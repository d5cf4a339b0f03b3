"""Construction of the initial training state and of the training step from a configuration."""

import dataclasses
import functools

import jax
import numpy as np

from launch.runs.config import Config
from launch.runs.data import shape_of_batch
from launch.runs.settings import with_settings
from launch.runs.tasks import build_task
from recog.codecs import Codec
from recog.drawing import Box
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.task import Task, Variables
from recog.training.freeze import Freeze
from recog.training.optimizers import make_optimizer
from recog.training.randomness import stream_key
from recog.training.state import TrainState, create_state
from recog.training.step import Advance, AdvanceOf, Settings, make_advance


def make_state(config: Config, task: Task) -> TrainState:
    """Initial state; to be jitted or abstractly evaluated."""
    batch = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shape_of_batch(config.data, task.codec))
    optimizer = make_optimizer(config.optimizer, config.train.steps)
    key, freeze = stream_key(config.seed, "init", 0), Freeze(config.optimizer.freeze)
    return create_state(task, optimizer, key, batch, freeze, averages=config.optimizer.average > 0)


def abstract_state(config: Config, task: Task) -> TrainState:
    """Abstract state, without allocating arrays."""
    return jax.eval_shape(functools.partial(make_state, config, task))


def state_holding(config: Config, task: Task, variables: Variables) -> TrainState:
    """State before the first step, with these variables; for configurations that keep no average."""
    # Without random variables among its outputs the program is small, because XLA removes their computation.
    rest = jax.jit(lambda: make_state(config, task).replace(params={}, model_state={}))()
    return rest.replace(
        params=variables["params"], model_state={name: value for name, value in variables.items() if name != "params"}
    )


def advance(config: Config, task: Task) -> Advance:
    """Training step of the configuration."""
    settings = config.optimizer
    optimizer = make_optimizer(settings, config.train.steps)
    return make_advance(
        task,
        optimizer,
        config.augment,
        config.seed,
        settings.accumulation_steps,
        Freeze(settings.freeze),
        settings.average,
    )


def advance_of(config: Config, codec: Codec, box: Box | None, *, on_features: bool = False) -> AdvanceOf:
    """Returns a function from array settings (`launch.runs.settings`) to the training step.

    Args:
      config: configuration with the other settings.
      codec: codec of the labels.
      box: position of the labels that graphic supervision draws.
      on_features: whether batches hold features in place of pictures (`launch.runs.frozen_features`).
    """

    def of(settings: Settings) -> Advance:
        own = with_settings(config, settings)
        task = build_task(own, codec, box)
        return advance(own, from_features(task) if on_features else task)

    return of


def from_features(task: Task) -> ClassifyingTask:
    """The task of training a classifier on batches of features."""
    assert isinstance(task, ClassifyingTask), "others have no features"
    return dataclasses.replace(task, on_features=True)


def state_of(config: Config, codec: Codec, box: Box | None, settings: Settings) -> TrainState:
    """Initial state for given array settings."""
    own = with_settings(config, settings)
    return make_state(own, build_task(own, codec, box))
