"""Times runs that train together in one program against the same runs one after another.

    python -m launch.benchmarks.together --config=launch/configs/quickstart.py [--count=3]

Both draw and load the configuration's own batches: alone, each run draws its own for every step; together, one batch
serves all. The two take turns, as in `launch.benchmarks.ctc`. ``?`` marks numbers that another job disturbed.
"""

import contextlib
import copy
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import jax
from absl import flags

from launch.ablation.training import can_stack
from launch.benchmarks.timing import NOT_ALONE, Timing, machine, marked, time_in_turns
from launch.runs import entry
from launch.runs.assembly import Run, assemble
from launch.runs.config import Config
from launch.runs.config_file import define_config_flag
from launch.runs.training import Programs, batches
from recog.batch import Batch

flags.disclaim_key_flags()  # --help lists them as those of the command


def stepper(run: Run, count: int, stream: Iterator[Batch]) -> Callable[[], None]:
    """A function that draws a batch, trains a step of ``count`` runs that differ in their seeds, and waits for it."""
    programs = Programs([run._replace(config=_with_seed(run.config, seed)) for seed in range(count)])
    state, totals = programs.initial_state([None] * count), programs.zero_totals()

    def step() -> None:
        nonlocal state, totals
        state, totals = programs.train_step(programs.settings, state, totals, next(stream))
        jax.block_until_ready((state, totals))

    return step


def _with_seed(config: Config, seed: int) -> Config:
    config = copy.deepcopy(config)
    config.seed = seed
    return config


def measure(config: Config, count: int, seconds: float) -> tuple[Timing, Timing]:
    """Times a step of one run, and a step of ``count`` runs together.

    Raises:
      ValueError: runs of this configuration cannot train together.
    """
    if not can_stack(config):
        raise ValueError("runs of this configuration cannot train together: it learns eta, shards, or asks for cuDNN")
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as streams:
        run = assemble(config, Path(folder))
        drawn = [streams.enter_context(contextlib.closing(iter(batches(run)[0]))) for _ in range(2)]
        one, many = time_in_turns([stepper(run, 1, drawn[0]), stepper(run, count, drawn[1])], seconds)
        return one, many


def main(argv: list[str]) -> None:
    """Prints both times and their ratio."""
    del argv
    values = flags.FLAGS
    one, many = measure(values.config, values.count, values.seconds)
    after_another = values.count * one.seconds
    print(marked(f"{1e3 * one.seconds:.0f} ms a step alone", one))
    print(marked(f"{1e3 * many.seconds:.0f} ms a step of {values.count} together", many))
    print(marked(f"{after_another / many.seconds:.2f}x as fast as one after another", one, many))
    if not (one.alone and many.alone):
        print(NOT_ALONE)
    print(machine("flax", "optax"))


if __name__ == "__main__":
    define_config_flag("A file under launch/configs/, or your own like it.")
    flags.mark_flag_as_required("config")
    flags.DEFINE_integer("count", 3, "Runs that train together.", lower_bound=1)
    flags.DEFINE_float("seconds", 30.0, "Seconds of measured time for each of the two.", lower_bound=0.0)
    entry.run(main)
