"""Times whole training steps against the same architectures in PyTorch, in one run on the same device.

    python -m launch.benchmarks.train [--models=crnn,plates_stn_crnn,lprnet] [--batch_size=256] [--dtype=bfloat16]

Forward and backward pass, clipping and the optimizer's update, on one batch of noise with labels as long as fit, which
stays on the device; nothing is augmented. Ours is the step of `launch.train`, its metrics included. PyTorch's
(`launch.benchmarks.torch_training`) is timed as it is and in each way of ``torch.compile`` that works here
(`launch.benchmarks.rival`); ``ratio`` is to the fastest of these. The contestants take turns, as in
`launch.benchmarks.ctc`; a run is several steps on a GPU, dispatched ahead and then waited for, and one on a CPU. ``?``
marks what another job disturbed.

``MFU`` is the share of what the device could do (`launch.runs.utilization`) that the operations of the model are.
``peak MiB`` is what is alive at once during a step: ours, by XLA's account of the compiled program (arguments, results
not written over them, temporaries and scratch space); PyTorch's, by its own record of tensors, so that what its
libraries allocate for themselves on a CPU is not in it. Neither counts what an allocator keeps in reserve. The device's
own peak would be no measure: it never falls, and compiling, which tries algorithms on it, raises it.
"""

import gc
import sys
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np
from absl import flags

from launch.benchmarks import ctc, rival
from launch.benchmarks.contestant import Contestant, Result, peak_bytes
from launch.benchmarks.rival import BATCH_SIZES, DTYPES, MODELS, MODES, platform
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, Timing, machine, marked, time_in_turns
from launch.runs import entry
from launch.runs.assembly import advance
from launch.runs.config import Config
from launch.runs.costs import USUAL_WIDTH, load_config
from launch.runs.data import abstract_state, state_maker
from launch.runs.tasks import make_task
from launch.runs.utilization import peak_flops, step_flops
from recog.batch import Batch
from recog.evaluation.cost import count_parameters
from recog.mesh import by_parameter, make_mesh, put_batch, replicated
from recog.tasks.task import Task
from recog.training.augment import AugmentConfig
from recog.training.optimizers import make_optimizer
from recog.training.step import jit_train_step, zero_totals

STEPS = {"cpu": 1, "gpu": 10}
"""Training steps in a run, by platform; other accelerators are used as GPUs are."""


class Row(NamedTuple):
    """What is known of one model."""

    name: str
    config: Config
    flops: int
    """Operations of one step."""
    results: dict[str, Result]
    """By contestant, ours under ``recog``."""

    @property
    def rival(self) -> str | None:
        """The fastest of the others."""
        others = {name: result.timing for name, result in self.results.items() if name != "recog"}
        return min(others, key=others.__getitem__, default=None)


def configure(name: str, batch_size: int = 0, dtype: str = "") -> Config:
    """A configuration of ``launch/configs`` as it is measured; 0 and empty take what is usual for the device."""
    config = load_config(name)
    config.augment = AugmentConfig()
    config.data.batch_size = batch_size or BATCH_SIZES[platform()]
    config.data.width = config.data.width or USUAL_WIDTH
    config.model.dtype = dtype or DTYPES[platform()]
    return config


def make_batch(config: Config, task: Task, seed: int = 0) -> Batch:
    """Noise, with labels of all slots, cut where their repeats need more frames than there are."""
    data, rows = config.data, config.data.batch_size
    images = np.random.default_rng(seed).integers(0, 256, (rows, data.height, data.width, data.channels), np.uint8)
    frames, classes, blank = task.frames(data.width), task.alphabet.classes, task.alphabet.blank_id
    if frames is None:
        raise ValueError(f"{type(task.model).__name__} is not trained by CTC: choose among {', '.join(MODELS)}")
    case = ctc.problem(ctc.Shape(rows, frames, classes, data.max_label_length), seed)
    tokens = case.labels - 1  # its blank is class 0
    return Batch(
        images=images,
        widths=np.full(rows, data.width, np.int32),
        labels=tokens + (tokens >= blank),
        label_lengths=case.label_lengths,
        ids=np.arange(rows, dtype=np.int32),
        mask=np.ones(rows, bool),
    )


class Ours:
    """Our training step on one batch, jitted as `launch.train` jits it, on one device."""

    def __init__(self, config: Config, task: Task, batch: Batch):
        mesh, one_step = make_mesh(config.mesh, jax.local_devices()[:1]), advance(config, task)
        shapes = abstract_state(config, task)
        sharding = by_parameter(mesh, shapes)
        make_state = state_maker(config, task, make_optimizer(config.optimizer, config.train.steps))
        self.batch = put_batch(mesh, batch)
        self.state = jax.jit(make_state, out_shardings=sharding)()
        self.totals = jax.jit(lambda: zero_totals(one_step, shapes, batch), out_shardings=replicated(mesh))()
        step = jit_train_step(one_step, mesh, sharding)
        self.program = step.lower(self.state, self.totals, self.batch).compile()

    def step(self) -> None:
        """One update; not waited for."""
        self.state, self.totals = self.program(self.state, self.totals, self.batch)

    def wait(self) -> None:
        """Until the device has done all steps."""
        jax.block_until_ready((self.state, self.totals))

    def peak_bytes(self) -> int:
        """Of all arrays that are alive at once, at most, during a step; 0 where XLA does not tell."""
        return peak_bytes(self.program)


def _enter(trainer) -> Contestant:
    """A contestant, after its first steps, which compile, try algorithms and fill what is kept between steps."""

    def run() -> None:
        for _ in range(STEPS[platform()]):
            trainer.step()
        trainer.wait()

    run()
    return Contestant(run, trainer.peak_bytes())


def torch_contestants(config: Config, task: Task, batch: Batch, parameters: int) -> dict[str, Contestant]:
    """PyTorch as it is, and compiled in each of the modes that work.

    Raises:
      ValueError: its reader has not this number of parameters: another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_training import Trainer

    def make(mode: str | None) -> Contestant:
        trainer = Trainer(config, task.alphabet.classes, task.alphabet.blank_id, batch, device, mode)
        rival.require_same_size(trainer.parameters, parameters)
        return _enter(trainer)

    return rival.each_way(make)


def measure(name: str, config: Config, seconds: float, rounds: int = ROUNDS) -> Row:
    """Times all contestants on one model."""
    task = make_task(config)
    batch, shapes = make_batch(config, task), abstract_state(config, task)
    field = {"recog": _enter(Ours(config, task, batch))}
    field |= torch_contestants(config, task, batch, count_parameters(shapes.variables))
    timings = time_in_turns([contestant.run for contestant in field.values()], seconds, rounds)
    steps = STEPS[platform()]
    results = {
        name: Result(Timing(timing.seconds / steps, timing.foreign_share), contestant.peak_bytes)
        for (name, contestant), timing in zip(field.items(), timings, strict=True)
    }
    abstract = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)
    return Row(name, config, step_flops(task, shapes, abstract), results)


def _groups() -> list[tuple[str, list[str]]]:
    """Titles, and the columns below each."""
    contestants = ["recog", "torch", *MODES[platform()]]
    return [("images/s", contestants), ("", ["ratio"]), ("MFU %", ["recog", "torch"]), ("peak MiB", ["recog", "torch"])]


def _line(first: str, cells: Sequence[str]) -> str:
    return first.ljust(17) + "".join(cell.rjust(10) for cell in cells)


def header() -> list[str]:
    """Two lines of titles."""
    titles = "".join(title.rjust(10 * len(columns)) for title, columns in _groups())
    return [" " * 17 + titles, _line("", [column for _, columns in _groups() for column in columns])]


def line(row: Row, peak: float) -> str:
    """The table's line of one model; MFU and memory in torch's column are those of the fastest way with torch.

    Args:
      row: what was measured.
      peak: operations a second that the device could do.
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


def report(configs: dict[str, Config], seconds: float, rounds: int = ROUNDS) -> list[Row]:
    """Measures the models and prints the table, each line as soon as it is known."""
    print("\n".join(header()), flush=True)
    peak, rows = peak_flops(jax.devices()[0]), []
    for number, (name, config) in enumerate(configs.items(), 1):
        print(f"measuring {name} ({number} of {len(configs)})", file=sys.stderr, flush=True)
        rows.append(measure(name, config, seconds, rounds))
        print(line(rows[-1], peak), flush=True)
        gc.collect()  # a trainer's arrays go before the next one's come
    for row in rows:
        data = row.config.data
        size = f"{data.height}x{data.width}x{data.channels}"
        print(
            f"{row.name}: {size}, batch {data.batch_size}, {row.config.model.dtype}, {row.flops / 1e9:.1f} GFLOP a step"
        )
    print(f"ratio, MFU and peak: to and of the fastest way with torch; the device could do {peak / 1e12:.2f} TFLOP/s")
    if not all(result.timing.alone for row in rows for result in row.results.values()):
        print(NOT_ALONE)
    print(machine("flax", "optax", "torch"), flush=True)
    return rows


def main(argv: list[str]) -> None:
    """Reads the flags; measures and prints a line for each model."""
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
