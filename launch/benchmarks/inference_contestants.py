"""Readers that the benchmark of models compares: the live model, its exported program, and PyTorch's."""

import functools
from collections.abc import Callable

import flax.traverse_util
import jax
import numpy as np
from jax import export
from jaxtyping import UInt8

from launch.benchmarks import rival
from launch.benchmarks.contestant import Contestant, Result, peak_bytes
from launch.benchmarks.timing import time_in_turns
from launch.runs.config import Config
from launch.runs.costs import Cost
from launch.runs.data import shape_of_batch
from launch.runs.tasks import make_task
from recog.batch import Batch
from recog.export.write import make_program, used_by_reading


def our_contestants(config: Config, cost: Cost, rows: int) -> dict[str, Contestant]:
    """The live model (``recog``) and the exported program (``artifact``), on a batch of noise with fresh parameters."""
    task = make_task(config)
    images, widths = _noise(cost, rows), np.full(rows, cost.width, np.int32)
    batch = Batch(*(np.zeros((1, *x.shape[1:]), x.dtype) for x in shape_of_batch(config)))
    variables = jax.jit(task.init)(jax.random.key(0), batch._replace(images=images[:1], widths=widths[:1]))
    arguments = jax.device_put((images, widths))
    live = jax.jit(task.read).lower(variables, *arguments).compile()
    shape = (config.data.height, config.data.width, config.data.channels)
    used = used_by_reading(task, flax.traverse_util.flatten_dict(variables, sep="/"), shape)
    program = export.deserialize(bytearray(make_program(task, used, shape).serialize()))
    exported = jax.jit(program.call).lower(used, *arguments).compile()
    return {
        "recog": Contestant(functools.partial(_run, live, variables, *arguments), peak_bytes(live)),
        "artifact": Contestant(functools.partial(_run, exported, used, *arguments), peak_bytes(exported)),
    }


def torch_contestants(config: Config, cost: Cost, rows: int) -> dict[str, Contestant]:
    """PyTorch's reader of the same architecture, eager and compiled in each mode that works.

    Raises:
      ValueError: its reader has another number of parameters, so another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_inference import Inference

    config.data.width = cost.width
    images, classes = _noise(cost, rows), make_task(config).alphabet.classes

    def make(mode: str | None) -> Contestant:
        reader = Inference(config, classes, images, device, mode)
        rival.require_same_size(reader.parameters, cost.parameters)
        reader.read()
        return Contestant(reader.read, reader.peak_bytes())

    return rival.each_mode(make)


def measure(name: str, config: Config, cost: Cost, rows: int, seconds: float) -> dict[str, Result]:
    """Times one batch with each contestant; for PyTorch the fastest mode counts."""
    ours = our_contestants(config, cost, rows)
    theirs = torch_contestants(config, cost, rows) if name in rival.MODELS else {}
    field = [*ours.values(), *theirs.values()]
    timings = time_in_turns([contestant.run for contestant in field], seconds)
    results = [Result(timing, contestant.peak_bytes) for timing, contestant in zip(timings, field, strict=True)]
    found = dict(zip(ours, results, strict=False))
    return found | ({"torch": min(results[len(ours) :])} if theirs else {})


def _noise(cost: Cost, rows: int) -> UInt8[np.ndarray, "B H W C"]:
    return np.random.default_rng(0).integers(0, 256, (rows, cost.height, cost.width, cost.channels), np.uint8)


def _run(read: Callable, *arguments):
    return jax.block_until_ready(read(*arguments))
