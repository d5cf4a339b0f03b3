"""Training states at random, without compiling their initialisation."""

import jax
import numpy as np

from launch.runs.config import Config
from launch.runs.states import abstract_state
from recog.tasks.task import Task
from recog.training.state import TrainState


def random_state(config: Config, task: Task, seed: int = 0) -> TrainState:
    """A state whose parameters and statistics are NumPy's random numbers; its optimizer has done nothing yet."""
    random, shapes = np.random.default_rng(seed), abstract_state(config, task)
    filled = jax.tree_util.tree_map_with_path(lambda path, leaf: _fill(random, str(path[-1].key), leaf), shapes.variables)
    rest = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), shapes)
    return rest.replace(params=filled.pop("params"), model_state=filled)


def _fill(random: np.random.Generator, name: str, leaf: jax.ShapeDtypeStruct) -> np.ndarray:
    """Kernels keep the size of what passes through them and a rectifier; all else is positive."""
    if len(leaf.shape) < 2 or "bias" in name:
        return random.uniform(0.1, 0.9, leaf.shape).astype(leaf.dtype)
    inputs = np.prod(leaf.shape[:-1]) if len(leaf.shape) == 4 else leaf.shape[-2]
    return random.normal(0, np.sqrt(2 / inputs), leaf.shape).astype(leaf.dtype)
