"""Training states at random, without compiling their initialisation."""

import jax
import numpy as np

from launch.runs.config import Config
from launch.runs.states import abstract_state
from recog.tasks.task import Task
from recog.training.state import TrainState
from tests.variables import random_like


def random_state(config: Config, task: Task) -> TrainState:
    """A state whose parameters and statistics are NumPy's random numbers; its optimizer has done nothing yet."""
    shapes = abstract_state(config, task)
    variables = random_like(shapes.variables)
    fresh = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    return fresh.replace(params=variables.pop("params"), model_state=variables)
