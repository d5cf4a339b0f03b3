"""What each model costs: ``python -m launch.cost [--config=launch/configs/NAME.py ...]``.

Prints input, frames, parameters and multiply-accumulates of reading one picture, for each model in ``launch/configs``
(under the first configuration that has it) or for one configuration. Models that a paper measured on plates of 94x24
stand beside its figures, which count two operations for each multiply-accumulate. Products are counted over the traced
program, each turn of a recurrent loop included; compilers' own counts take a loop's body once.
"""

import importlib
import pkgutil
from pathlib import Path
from typing import Any, NamedTuple

import flax.traverse_util
import jax
import numpy as np
from absl import flags
from ml_collections import config_flags

import launch.configs
from launch import friendly
from launch.build import abstract_state
from launch.config import Config
from launch.task import make_task
from recog.evaluation.cost import count_macs, count_parameters
from recog.export.write import used_by_reading
from recog.tasks.task import Task

USUAL_WIDTH = 100
"""Columns at which models of any width are counted: the CRNN paper's."""


class Published(NamedTuple):
    """What the PeerJ Computer Science 2024 paper on graphic supervision says of a model, at 94x24."""

    parameters: float
    """Millions."""
    operations: float
    """Thousand millions: two for each multiply-accumulate."""


PUBLISHED = {
    "lprnet": Published(0.4, 0.29),
    "plates_crnn": Published(7.3, 0.95),
    "plates_alexnet": Published(3.8, 0.63),
    "plates_resnet18": Published(11.2, 1.09),
}
NOTABLE = 0.05
"""Relative difference to a published figure from which it is explained."""


class Cost(NamedTuple):
    """Of reading one picture."""

    height: int
    width: int
    channels: int
    frames: int | None
    """For CTC; None where attention decodes."""
    parameters: int
    """Of what reading uses: a decoder that only helps training is not counted."""
    macs: int
    """Multiply-accumulates of convolutions and matrix products."""

    @property
    def size(self) -> str:
        """The input, as ``HxWxC``."""
        return f"{self.height}x{self.width}x{self.channels}"


def config_names() -> list[str]:
    """Of all configurations in ``launch/configs``."""
    return sorted(module.name for module in pkgutil.iter_modules(launch.configs.__path__))


def load_config(name: str) -> Config:
    """A configuration of ``launch/configs`` by its name."""
    return importlib.import_module(f"launch.configs.{name}").get_config()


def reading_shapes(config: Config, task: Task, rows: int, width: int) -> tuple[dict, jax.ShapeDtypeStruct]:
    """Abstract variables that reading uses, and abstract pictures."""
    data, state = config.data, abstract_state(config, task)
    flat: dict[str, Any] = flax.traverse_util.flatten_dict(state.variables, sep="/")
    used = used_by_reading(task, flat, (data.height, width, data.channels))
    images = jax.ShapeDtypeStruct((rows, data.height, width, data.channels), np.uint8)
    return flax.traverse_util.unflatten_dict(used, sep="/"), images


def count(config: Config) -> Cost:
    """The cost of a configuration's model; nothing is computed but shapes."""
    task, data = make_task(config), config.data
    width = data.width or USUAL_WIDTH
    variables, images = reading_shapes(config, task, 1, width)
    macs = count_macs(task.read, variables, images, jax.ShapeDtypeStruct((1,), np.int32))
    return Cost(data.height, width, data.channels, task.frames(width), count_parameters(variables), macs)


def count_models() -> dict[str, Cost]:
    """By configurations; one that only trains the model of an earlier one in another way is left out."""
    costs: dict[str, Cost] = {}
    for name in config_names():
        if (cost := count(load_config(name))) not in costs.values():
            costs[name] = cost
    return costs


def compare(cost: Cost, published: Published) -> str:
    """Ours beside a paper's figures, with the reason where they differ by more than 5 %."""
    pairs = [(cost.parameters / 1e6, published.parameters, "M"), (2 * cost.macs / 1e9, published.operations, "G")]
    notes = []
    for ours, theirs, unit in pairs:
        difference = ours / theirs - 1
        digits = len(f"{theirs}".partition(".")[2])
        if abs(difference) > NOTABLE:
            equal = round(ours, digits) == theirs
            reason = "the paper's figure is rounded" if equal else "the paper does not give every layer"
            notes.append(f"{ours:.3f} {unit} is {difference:+.0%}: {reason}")
    shown = f"{published.parameters} M, {published.operations} G"
    return f"{shown} ({'; '.join(notes)})" if notes else shown


def table(costs: dict[str, Cost]) -> list[str]:
    """One line for each model, after a line of titles."""
    lines = [f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}{'operations':>12}   published"]
    for name, cost in costs.items():
        published = compare(cost, PUBLISHED[name]) if name in PUBLISHED else ""
        lines.append(
            f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
            f"{2 * cost.macs / 1e9:>10.3f} G   {published}".rstrip()
        )
    return lines


def main(argv: list[str]) -> None:
    """Reads the flags and prints the table."""
    del argv
    config = flags.FLAGS.config
    if config:
        costs = {Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem: count(config)}
    else:
        costs = count_models()
    print("\n".join(table(costs)), flush=True)


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/; every model's when it is not given.")
    friendly.run(main)
