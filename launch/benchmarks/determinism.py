"""Trains each model twice from the same start and compares the parameters bit by bit.

    python -m launch.benchmarks.determinism [--models=crnn,lprnet] [--steps=20] [--batch_size=256] [--dtype=bfloat16]

The two trainings are processes of their own, as two equal runs are, and neither finds the other's compiled programs:
on a GPU, XLA chooses algorithms by trying them, and a choice that falls differently changes the last bits. The batch is
that of `launch.benchmarks.train`. Where parameters differ, ``XLA_FLAGS=--xla_gpu_deterministic_ops=true`` makes the
runs equal at some cost in speed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import flax.traverse_util
import jax
import numpy as np
import safetensors.numpy
from absl import flags

from launch.benchmarks import rival
from launch.benchmarks.rival import MODELS
from launch.benchmarks.timing import machine
from launch.benchmarks.training_batch import make_batch
from launch.benchmarks.training_contestants import Ours, configure
from launch.runs import entry
from launch.runs.tasks import make_task


class Compared(NamedTuple):
    """Parameters of two trainings."""

    arrays: int
    equal: int
    """Arrays of which every bit is equal."""
    difference: float
    """Largest difference of two numbers, divided by the largest number of their array."""


def compare(first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> Compared:
    """Compares arrays of the same names; NaN equals NaN, and differs from any number without bound."""
    equal, largest = 0, 0.0
    for name, array in first.items():
        if array.tobytes() == second[name].tobytes():
            equal += 1
            continue
        scale = float(np.max(np.abs(array))) or 1.0
        difference = float(np.max(np.abs(array - second[name]))) / scale
        largest = max(largest, difference if np.isfinite(difference) else np.inf)
    return Compared(len(first), equal, largest)


def train(name: str, steps: int, batch_size: int, dtype: str, path: Path) -> None:
    """Trains one model on one batch and writes its variables as safetensors."""
    config = configure(name, batch_size, dtype)
    task = make_task(config)
    training = Ours(config, task, make_batch(config, task))
    for _ in range(steps):
        training.step()
    training.wait()
    flat = flax.traverse_util.flatten_dict(jax.device_get(training.state.variables), sep="/")
    safetensors.numpy.save_file({key: np.asarray(value) for key, value in flat.items()}, path)


def compare_runs(name: str) -> Compared:
    """Trains one model in two processes with the flags of this one."""
    environment = os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    arrays = []
    with tempfile.TemporaryDirectory() as folder:
        for number in (1, 2):
            path = Path(folder) / f"{number}.safetensors"
            command = [sys.executable, "-m", "launch.benchmarks.determinism", *sys.argv[1:]]
            subprocess.run([*command, f"--models={name}", f"--write={path}"], check=True, env=environment)
            arrays.append(safetensors.numpy.load_file(path))
    return compare(*arrays)


def main(argv: list[str]) -> None:
    """Prints a line for each model, or trains one and writes its parameters."""
    del argv
    values = flags.FLAGS
    if unknown := set(values.models) - set(MODELS):
        raise ValueError(f"--models={','.join(sorted(unknown))}: choose among {', '.join(MODELS)}")
    if values.write:
        train(values.models[0], values.steps, values.batch_size, values.dtype, Path(values.write))
        return
    for name in values.models:
        result = compare_runs(name)
        print(
            f"{name}: {result.equal} of {result.arrays} arrays equal after {values.steps} steps, "
            f"largest relative difference {result.difference:.2g}",
            flush=True,
        )
    print(machine("flax", "optax"), flush=True)


if __name__ == "__main__":
    flags.DEFINE_list("models", ["crnn", "lprnet"], "Models to train.")
    flags.DEFINE_integer("steps", 20, "Training steps of each run.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 0, "Pictures of a step; 0: 32 on a CPU, 256 on a GPU.", lower_bound=0)
    flags.DEFINE_string("write", "", "File for the parameters of the first model, which this process then trains.")
    rival.define_dtype()
    entry.run(main)
