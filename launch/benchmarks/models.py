"""Every model of ``launch/configs`` on this machine: ``python -m launch.benchmarks.models [--models=lprnet,crnn]``.

Prints input, frames, parameters and multiply-accumulates (see `launch.cost`) and how fast the model reads with fresh
parameters: pixels in, tokens out, decoding included. Pictures per second at a batch, milliseconds of a single picture.
"""

import functools
import sys
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags

from launch import friendly
from launch.benchmarks.timing import Timing, machine, time_in_turns
from launch.build import shape_of_batch
from launch.config import Config
from launch.cost import Cost, config_names, count, count_models, load_config
from launch.task import make_task
from recog.batch import Batch

BATCH = 32
"""Pictures read together."""


def reader(config: Config, cost: Cost, rows: int) -> Callable[[], object]:
    """A function that reads a batch of noise, compiled, with parameters as they start."""
    task = make_task(config)
    images = np.random.default_rng(0).integers(0, 256, (rows, cost.height, cost.width, cost.channels), np.uint8)
    widths = jnp.full(rows, cost.width)
    batch = Batch(*(np.zeros((1, *x.shape[1:]), x.dtype) for x in shape_of_batch(config)))
    variables = jax.jit(task.init)(jax.random.key(0), batch._replace(images=images[:1], widths=np.asarray(widths[:1])))
    read = jax.jit(task.read).lower(variables, images, widths).compile()
    return functools.partial(_run, read, variables, jnp.asarray(images), widths)


def _run(read, *arguments) -> None:
    jax.block_until_ready(read(*arguments))


def _marked(text: str, timing: Timing) -> str:
    return text if timing.alone else f"{text}?"


def line(name: str, config: Config, seconds: float) -> tuple[str, bool]:
    """The table's line of one configuration, and whether the cores were ours alone meanwhile."""
    cost = count(config)
    (many,) = time_in_turns([reader(config, cost, BATCH)], seconds)
    (one,) = time_in_turns([reader(config, cost, 1)], seconds)
    rate, wait = _marked(f"{BATCH / many.seconds:.0f}", many), _marked(f"{1e3 * one.seconds:.1f}", one)
    return (
        f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
        f"{rate:>11}{wait:>10}",
        many.alone and one.alone,
    )


def main(argv: list[str]) -> None:
    """Reads the flags; measures and prints a line for each model."""
    del argv
    names = flags.FLAGS.models or list(count_models())
    if unknown := set(names) - set(config_names()):
        raise ValueError(f"--models={','.join(sorted(unknown))}: choose among {', '.join(config_names())}")
    print(f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}{'images/s':>11}{'ms':>10}", flush=True)
    alone = True
    for number, name in enumerate(names, 1):
        print(f"measuring {name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        shown, undisturbed = line(name, load_config(name), flags.FLAGS.seconds)
        print(shown, flush=True)
        alone &= undisturbed
    print(f"images/s: {BATCH} pictures at a time; ms: one picture")
    if not alone:
        print("? other processes used these cores meanwhile: measure again before quoting a marked number")
    print(machine("flax"), flush=True)


if __name__ == "__main__":
    flags.DEFINE_list("models", [], "Names under launch/configs, without .py; each model once when none is given.")
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each batch size.", lower_bound=0.0)
    friendly.run(main)
