"""Times whole training steps against the same architectures in PyTorch, in one run on the same device.

    python -m launch.benchmarks.train [--models=crnn,plates_stn_crnn,lprnet,price_tags,plate_finder_small]
        [--batch_size=256] [--dtype=bfloat16]

Forward and backward pass, losses (a detector's with the assignment of its priors), clipping and the optimizer's
update, on one batch of noise with as long texts or as many boxes as fit (`launch.benchmarks.training_batch`), which
stays on the device; nothing is augmented. Ours is the step of `launch.train`, its metrics included. PyTorch's
(`launch.benchmarks.torch_training`) is timed eager and in each mode of ``torch.compile`` that works here
(`launch.benchmarks.rival`); ``ratio`` is to the fastest of these. The contestants take turns, as in
`launch.benchmarks.ctc`; a run is several steps on a GPU, dispatched ahead and then waited for, and one on a CPU. ``?``
marks numbers that another job disturbed.

``MFU`` is the share of the device's peak (`launch.runs.utilization`) that the operations of the model make up.
``peak MiB`` is the peak of live memory during a step. Ours is XLA's account of the compiled program (arguments, results
not written over them, temporaries and scratch space); PyTorch's is its own record of tensors, which lacks the
allocations of its libraries on a CPU. Neither counts an allocator's reserve. The device's own peak would not be a
measure: it never falls, and compiling, which tries algorithms on it, raises it.
"""

import gc
import sys
from collections.abc import Sequence
from typing import NamedTuple

import jax
from absl import flags

from launch.benchmarks import rival
from launch.benchmarks.contestant import Result
from launch.benchmarks.rival import MODELS, MODES, platform
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, Timing, machine, marked, time_in_turns
from launch.benchmarks.training_batch import make_batch
from launch.benchmarks.training_contestants import STEPS, configure, our_contestant, torch_contestants
from launch.runs import entry
from launch.runs.config import Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from launch.runs.utilization import peak_flops, step_flops
from recog.evaluation.cost import count_parameters


class Row(NamedTuple):
    """Measurements of one model."""

    name: str
    config: Config
    flops: int
    """Operations of one step."""
    results: dict[str, Result]
    """Results by contestant, ours under ``recog``."""

    @property
    def rival(self) -> str | None:
        """The fastest of the others."""
        others = {name: result.timing for name, result in self.results.items() if name != "recog"}
        return min(others, key=others.__getitem__, default=None)


def measure(name: str, config: Config, seconds: float, rounds: int = ROUNDS) -> Row:
    """Times all contestants on one model."""
    task = make_task(config)
    batch, shapes = make_batch(config, task), abstract_state(config, task)
    field = {"recog": our_contestant(config, task, batch)}
    field |= torch_contestants(config, task, batch, count_parameters(shapes.variables))
    timings = time_in_turns([contestant.run for contestant in field.values()], seconds, rounds)
    steps = STEPS[platform()]
    results = {
        name: Result(Timing(timing.seconds / steps, timing.foreign_share), contestant.peak_bytes)
        for (name, contestant), timing in zip(field.items(), timings, strict=True)
    }
    abstract = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)
    return Row(name, config, step_flops(task, shapes, abstract), results)


def header() -> list[str]:
    """Two lines of titles."""
    titles = "".join(title.rjust(10 * len(columns)) for title, columns in _groups())
    return [" " * 17 + titles, _line("", [column for _, columns in _groups() for column in columns])]


def line(row: Row, peak: float) -> str:
    """The table's line of one model; MFU and memory in torch's column are those of the fastest mode.

    Args:
      row: the measurements.
      peak: operations a second at the device's peak.
    """
    rows, results = row.config.data.batch_size, row.results
    ours, theirs = results["recog"], results[row.rival] if row.rival else None
    shown = [results.get(name) for name in _groups()[0][1]]
    rates = [marked(f"{rows / r.timing.seconds:.1f}", r.timing) if r else "-" for r in shown]
    ratio = marked(f"{theirs.timing.seconds / ours.timing.seconds:.2f}x", ours.timing, theirs.timing) if theirs else "-"
    shares = [
        marked(f"{100 * row.flops / r.timing.seconds / peak:.1f}", r.timing) if r else "-" for r in (ours, theirs)
    ]
    memory = [f"{r.peak_bytes / 2**20:.0f}" if r and r.peak_bytes else "-" for r in (ours, theirs)]
    return _line(row.name, [*rates, ratio, *shares, *memory])


def _groups() -> list[tuple[str, list[str]]]:
    """Titles, and the columns below each."""
    contestants = ["recog", "torch", *MODES[platform()]]
    return [("images/s", contestants), ("", ["ratio"]), ("MFU %", ["recog", "torch"]), ("peak MiB", ["recog", "torch"])]


def _line(first: str, cells: Sequence[str]) -> str:
    return first.ljust(17) + "".join(cell.rjust(10) for cell in cells)


def report(configs: dict[str, Config], seconds: float, rounds: int = ROUNDS) -> list[Row]:
    """Measures the models and prints the table, each line as soon as it is known."""
    print("\n".join(header()), flush=True)
    peak, rows = peak_flops(jax.devices()[0]), []
    for number, (name, config) in enumerate(configs.items(), 1):
        print(f"measuring {name} ({number} of {len(configs)})", file=sys.stderr, flush=True)
        rows.append(measure(name, config, seconds, rounds))
        print(line(rows[-1], peak), flush=True)
        gc.collect()  # frees a trainer's arrays before the next one allocates its own
    for row in rows:
        data = row.config.data
        size = f"{data.height}x{data.width}x{data.channels}"
        print(
            f"{row.name}: {size}, batch {data.batch_size}, {row.config.model.dtype}, {row.flops / 1e9:.1f} GFLOP a step"
        )
    print(f"ratio, MFU and peak: to and of the fastest mode of torch; device peak {peak / 1e12:.2f} TFLOP/s")
    if not all(result.timing.alone for row in rows for result in row.results.values()):
        print(NOT_ALONE)
    print(machine("flax", "optax", "torch"), flush=True)
    return rows


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    if unknown := set(values.models) - set(MODELS):
        raise ValueError(f"--models={','.join(sorted(unknown))}: choose among {', '.join(MODELS)}")
    rival.share_memory()
    report({name: configure(name, values.batch_size, values.dtype) for name in values.models}, values.seconds)


if __name__ == "__main__":
    flags.DEFINE_list("models", list(MODELS), "Models to measure.")
    flags.DEFINE_integer("batch_size", 0, "Pictures of a step; 0: 32 on a CPU, 256 on a GPU.", lower_bound=0)
    rival.define_dtype()
    flags.DEFINE_float("seconds", 10.0, "Seconds of measured time for each contestant on each model.", lower_bound=0.0)
    entry.run(main)
