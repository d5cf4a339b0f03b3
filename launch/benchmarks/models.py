"""Every model of ``launch/configs`` on this machine: ``python -m launch.benchmarks.models [--models=lprnet,crnn]``.

Prints parameters and multiply-accumulates (see `launch.cost`) and how fast the model reads with fresh parameters:
pixels in, tokens out, decoding included; pictures per second at a batch, milliseconds of a single picture. ``recog`` is
the live model, ``artifact`` the program that `launch.export` writes, loaded back. Architectures that
`launch.benchmarks.torch_readers` has are measured in PyTorch too, in turns with ours: as it is and compiled, of which
the faster counts. ``ratio`` is the artifact's speed to PyTorch's. ``MFU`` and ``peak MiB`` are of the batch: the share
of what the device could do that the multiply-accumulates are, two operations each, and what is alive at once,
parameters included, as in `launch.benchmarks.train`. ``?`` marks what another job disturbed.
"""

import functools
import sys
from collections.abc import Callable

import flax.traverse_util
import jax
import numpy as np
from absl import flags
from jax import export

from launch.benchmarks import rival
from launch.benchmarks.contestant import Contestant, Result, peak_bytes
from launch.benchmarks.rival import BATCH_SIZES, DTYPES, MODELS, platform
from launch.benchmarks.timing import NOT_ALONE, machine, marked, time_in_turns
from launch.runs import entry
from launch.runs.config import Config
from launch.runs.costs import Cost, config_names, count, count_models, load_config
from launch.runs.data import shape_of_batch
from launch.runs.tasks import make_task
from launch.runs.utilization import peak_flops
from recog.batch import Batch
from recog.export.write import make_program, used_by_reading

CONTESTANTS = ("recog", "artifact", "torch")
COMPARED = CONTESTANTS[1:]
"""What ``ratio`` is of, and MFU and memory are told of."""


def readers(config: Config, cost: Cost, rows: int) -> dict[str, Contestant]:
    """Reads a batch of noise with parameters as they start: the live model, and what would be exported of it."""
    task = make_task(config)
    images = np.random.default_rng(0).integers(0, 256, (rows, cost.height, cost.width, cost.channels), np.uint8)
    widths = np.full(rows, cost.width, np.int32)
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


def _run(read, *arguments):
    return jax.block_until_ready(read(*arguments))


def torch_readers(config: Config, cost: Cost, rows: int) -> dict[str, Contestant]:
    """The same architecture in PyTorch, as it is and compiled in each of the modes that work.

    Raises:
      ValueError: its reader has not as many parameters: another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_inference import Inference

    config.data.width = cost.width
    images = np.random.default_rng(0).integers(0, 256, (rows, cost.height, cost.width, cost.channels), np.uint8)
    classes = make_task(config).alphabet.classes

    def make(mode: str | None) -> Contestant:
        reader = Inference(config, classes, images, device, mode)
        rival.require_same_size(reader.parameters, cost.parameters)
        reader.read()
        return Contestant(reader.read, reader.peak_bytes())

    return rival.each_way(make)


def measure(name: str, config: Config, cost: Cost, rows: int, seconds: float) -> dict[str, Result]:
    """Of one batch, by contestant; of PyTorch's ways the fastest."""
    ours = readers(config, cost, rows)
    theirs = torch_readers(config, cost, rows) if name in MODELS else {}
    field = [*ours.values(), *theirs.values()]
    timings = time_in_turns([contestant.run for contestant in field], seconds)
    results = [Result(timing, contestant.peak_bytes) for timing, contestant in zip(timings, field, strict=True)]
    found = dict(zip(ours, results, strict=False))
    return found | ({"torch": min(results[len(ours) :])} if theirs else {})


def _speeds(results: dict[str, Result], show: Callable[[float], str]) -> list[str]:
    """What each contestant showed, and the ratio."""
    timings = {name: result.timing for name, result in results.items()}
    shown = [marked(show(timings[name].seconds), timings[name]) if name in timings else "-" for name in CONTESTANTS]
    if "torch" not in timings:
        return [*shown, "-"]
    ours, theirs = timings["artifact"], timings["torch"]
    return [*shown, marked(f"{theirs.seconds / ours.seconds:.2f}x", ours, theirs)]


def _shares(results: dict[str, Result], flops: int, peak: float) -> list[str]:
    """Which share of what the device could do meanwhile the model's operations are, in percent."""
    timings = [results[name].timing if name in results else None for name in COMPARED]
    return [marked(f"{100 * flops / t.seconds / peak:.1f}", t) if t else "-" for t in timings]


def _memory(results: dict[str, Result]) -> list[str]:
    peaks = [results[name].peak_bytes if name in results else 0 for name in COMPARED]
    return [f"{peak / 2**20:.0f}" if peak else "-" for peak in peaks]


def header() -> list[str]:
    """Two lines of titles."""
    columns = [*CONTESTANTS, "ratio"] * 2 + [*COMPARED] * 2
    groups = f"{'':<17}{'':>10}{'':>8}{'':>13}{'':>11}{'images/s':>36}{'ms':>36}{'MFU %':>18}{'peak MiB':>18}"
    titles = f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}"
    return [groups, titles + "".join(f"{column:>9}" for column in columns)]


def line(name: str, config: Config, seconds: float) -> tuple[str, bool]:
    """The table's line of one configuration, and whether the cores were ours alone meanwhile."""
    cost, rows, peak = count(config), BATCH_SIZES[platform()], peak_flops(jax.devices()[0])
    many, one = (measure(name, config, cost, number, seconds) for number in (rows, 1))
    speeds = _speeds(many, lambda taken: f"{rows / taken:.0f}") + _speeds(one, lambda taken: f"{1e3 * taken:.1f}")
    cells = speeds + _shares(many, 2 * rows * cost.macs, peak) + _memory(many)
    alone = all(result.timing.alone for result in (*many.values(), *one.values()))
    return (
        f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
        + "".join(f"{cell:>9}" for cell in cells),
        alone,
    )


def configure(name: str, dtype: str = "") -> Config:
    """A configuration as it is measured; an empty type takes what is usual for the device."""
    config = load_config(name)
    config.model.dtype = dtype or DTYPES[platform()]
    return config


def main(argv: list[str]) -> None:
    """Reads the flags; measures and prints a line for each model."""
    del argv
    values = flags.FLAGS
    names = values.models or list(count_models())
    if unknown := set(names) - set(config_names()):
        raise ValueError(f"--models={','.join(sorted(unknown))}: choose among {', '.join(config_names())}")
    rival.share_memory()
    print("\n".join(header()), flush=True)
    alone = True
    for number, name in enumerate(names, 1):
        print(f"measuring {name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        shown, undisturbed = line(name, configure(name, values.dtype), values.seconds)
        print(shown, flush=True)
        alone &= undisturbed
    print(
        f"images/s, MFU and peak: {BATCH_SIZES[platform()]} pictures at a time; ms: one picture; "
        f"{values.dtype or DTYPES[platform()]}; the device could do {peak_flops(jax.devices()[0]) / 1e12:.2f} TFLOP/s"
    )
    if not alone:
        print(NOT_ALONE)
    print(machine("flax", "torch"), flush=True)


if __name__ == "__main__":
    flags.DEFINE_list("models", [], "Names under launch/configs, without .py; each model once when none is given.")
    rival.define_dtype()
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each contestant and batch size.", lower_bound=0.0)
    entry.run(main)
