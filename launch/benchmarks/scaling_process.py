"""Training steps of one process that `launch.benchmarks.scaling` compares with predictions."""

import copy
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from jax.experimental import multihost_utils

from launch.benchmarks.timing import core_seconds, cores
from launch.benchmarks.training_batch import make_batch
from launch.benchmarks.training_contestants import Ours, to_measure
from launch.runs.collectives import collectives
from launch.runs.config import Config
from launch.runs.scaling import Step, measured_step
from launch.runs.tasks import make_task
from recog.mesh import by_sample, make_mesh, replicated
from recog.ops import conv_forms

flags.disclaim_key_flags()  # --help lists them as those of the command


class Measured(NamedTuple):
    """Predictions and measurements of one layout of devices; sizes in bytes are of one device."""

    devices: int
    processes: int
    predicted_summed: int
    summed: int
    """Numbers in float32 that the program's all-reduces sum."""
    predicted_reductions: int
    reductions: int
    """All-reduces but for the last one, which sums gradients alone."""
    gathered: int
    """Other collective operations with numbers in float32."""
    flops: float
    """Operations of a device's program, as XLA counts them: those of a loop's body once."""
    predicted_arguments: int
    arguments: int
    temporaries: int
    seconds: float = 0.0
    """Median duration of a step; 0 if it was not timed, as all further values."""
    small_seconds: float = 0.0
    """Median duration of an all-reduce of one number."""
    large_seconds: float = 0.0
    """Median duration of an all-reduce of `reduced_bytes`."""
    reduced_bytes: int = 0
    foreign: float = 0.0
    """Share of the cores that other processes, those of this layout left out, used meanwhile."""

    def step(self, seconds: float) -> Step:
        """The predicted step of one device, with this duration."""
        return Step(seconds, 4 * self.predicted_summed, self.predicted_reductions)


def define_layout_flags() -> None:
    """Defines the flags of a process that measures."""
    flags.DEFINE_integer("batch_size", 4, "Samples of each device.", lower_bound=1)
    flags.DEFINE_integer("repeats", 5, "Timed steps of each layout.", lower_bound=1)
    flags.DEFINE_bool("time", False, "Whether to time steps and all-reduces.")
    flags.DEFINE_bool("plain", False, "Whether to convolve without tiles, as accelerators do.")
    flags.DEFINE_list("layouts", [], "Numbers of devices that this process measures; given by the command itself.")


def measure_layouts(values: flags.FlagValues) -> None:
    """Measures each number of devices in ``--layouts``; the first process prints a line of JSON for each."""
    if values.plain:
        conv_forms.WINOGRAD_MIN_CHANNELS = sys.maxsize
    for text in values.layouts:
        found = measure(values.config, int(text), values.batch_size, values.repeats if values.time else 0)
        print(json.dumps(found._asdict()), flush=True)


def measure(config: Config, count: int, batch_size: int, repeats: int) -> Measured:
    """Compiles the step for some devices, this process's share of them included, and times it.

    Args:
      config: configuration of a run.
      count: number of devices of all processes.
      batch_size: samples of each device.
      repeats: number of timed steps; 0 times nothing.
    """
    whole, own = (to_measure(copy.deepcopy(config), 1) for _ in range(2))
    devices = jax.devices()[:count]
    mine = [device for device in devices if device.process_index == jax.process_index()]
    whole.data.batch_size, own.data.batch_size = batch_size * count, batch_size * len(mine)
    task = make_task(whole)
    training = Ours(whole, task, make_batch(own, task, seed=jax.process_index()), devices)
    step = measured_step(whole, 0.0)
    operations = collectives(training.program.as_text() or "")
    sums = [operation for operation in operations if operation.kind == "all-reduce"]
    memory: Any = training.program.memory_analysis()
    arguments = (training.settings, training.state, training.totals, training.batch)
    found = Measured(
        devices=count,
        processes=jax.process_count(),
        predicted_summed=step.summed,
        summed=sum(operation.numbers for operation in sums),
        predicted_reductions=step.reductions,
        reductions=max(len(sums) - 1, 0),
        gathered=sum(operation.numbers > 0 for operation in operations if operation.kind != "all-reduce"),
        flops=training.program.cost_analysis()["flops"],
        predicted_arguments=sum(_on_one_device(array) for array in jax.tree.leaves(arguments)),
        arguments=memory.argument_size_in_bytes,
        temporaries=memory.temp_size_in_bytes,
    )
    return _timed(found, training, devices, repeats) if repeats else found


def _on_one_device(array: jax.Array) -> int:
    return int(np.prod(array.sharding.shard_shape(array.shape))) * array.dtype.itemsize


def _timed(found: Measured, training: Ours, devices: Sequence[Any], repeats: int) -> Measured:
    """Adds durations; every process runs each program equally often."""

    def step() -> None:
        training.step()
        training.wait()

    numbers = found.predicted_summed
    runs = [step, _all_reduce(devices, 1), _all_reduce(devices, numbers)]
    busy, own, begin = core_seconds(), time.process_time(), time.perf_counter()
    seconds = [_median(run, repeats) for run in runs]
    elapsed = time.perf_counter() - begin
    own = float(np.sum(multihost_utils.process_allgather(np.array(time.process_time() - own))))
    foreign = (core_seconds() - busy - own) / (cores() * elapsed)
    return found._replace(
        seconds=seconds[0],
        small_seconds=seconds[1],
        large_seconds=seconds[2],
        reduced_bytes=4 * numbers,
        foreign=min(max(foreign, 0.0), 1.0),
    )


def _all_reduce(devices: Sequence[Any], numbers: int) -> Callable[[], object]:
    """Sums arrays of this many numbers in float32, one of each device."""
    mesh = make_mesh(devices=devices)
    zeros = jax.jit(lambda: jnp.zeros((len(devices), numbers)), out_shardings=by_sample(mesh))()
    add = jax.jit(lambda x: jnp.sum(x, axis=0), out_shardings=replicated(mesh)).lower(zeros).compile()
    return lambda: jax.block_until_ready(add(zeros))


def _median(run: Callable[[], object], repeats: int) -> float:
    run()  # not counted
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)
