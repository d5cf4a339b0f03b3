"""Cost of a configuration's model: parameters and multiply-accumulates of reading one picture."""

import dataclasses
import importlib
import pkgutil
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np

import launch.configs
from launch.runs.config import Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.evaluation.cost import count_macs, count_parameters
from recog.export.write import used_by_predict
from recog.tasks.task import Task

USUAL_WIDTH = 100
"""Picture width, the CRNN paper's, at which models of variable width are counted."""


class Cost(NamedTuple):
    """Cost of reading one picture."""

    height: int
    width: int
    channels: int
    frames: int | None
    """Frames for CTC; None for attention decoders."""
    parameters: int
    """Parameters that reading uses; a decoder that only helps training is not counted."""
    macs: int
    """Multiply-accumulates of convolutions and matrix products."""

    @property
    def size(self) -> str:
        """The input, as ``HxWxC``."""
        return f"{self.height}x{self.width}x{self.channels}"


def config_names() -> list[str]:
    """Names of all configurations in ``launch/configs``."""
    return sorted(module.name for module in pkgutil.iter_modules(launch.configs.__path__))


def load_config(name: str) -> Config:
    """Loads a configuration of ``launch/configs`` by its name."""
    return importlib.import_module(f"launch.configs.{name}").get_config()


def reading_shapes(config: Config, task: Task, rows: int, width: int) -> tuple[dict, jax.ShapeDtypeStruct]:
    """Abstract variables that reading uses, and an abstract batch of pictures."""
    data, state = config.data, abstract_state(config, task)
    flat: dict[str, Any] = flax.traverse_util.flatten_dict(state.variables, sep="/")
    used = used_by_predict(task, flat, dataclasses.replace(data.preprocess, width=width))
    images = jax.ShapeDtypeStruct((rows, data.height, width, data.channels), np.uint8)
    return flax.traverse_util.unflatten_dict(used, sep="/"), images


def count(config: Config) -> Cost:
    """Counts the cost of a configuration's model; only shapes are computed."""
    task, data = make_task(config), config.data
    width = data.width or USUAL_WIDTH
    variables, images = reading_shapes(config, task, 1, width)
    macs = count_macs(task.predict, variables, images, jax.ShapeDtypeStruct((1, 2), np.int32))
    return Cost(data.height, width, data.channels, task.frames(width), count_parameters(variables), macs)


def count_models() -> dict[str, Cost]:
    """Costs by configuration; a configuration that only trains an earlier one's model in another way is left out."""
    costs: dict[str, Cost] = {}
    for name in config_names():
        if (cost := count(load_config(name))) not in costs.values():
            costs[name] = cost
    return costs
