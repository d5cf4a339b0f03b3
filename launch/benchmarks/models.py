"""Measures every model of ``launch/configs`` on this machine: size, reading speed and memory.

    python -m launch.benchmarks.models [--models=lprnet,crnn] [--dtype=bfloat16] [--seconds=5]

Prints parameters and multiply-accumulates (see `launch.cost`) and the speed of reading with fresh parameters, from
pixels to tokens, decoding included: pictures per second at a batch, milliseconds of a single picture. ``recog`` is the
live model, ``artifact`` the program that `launch.export` writes, loaded back. Architectures that
`launch.benchmarks.torch_readers` has are measured in PyTorch too, in turns with ours: eager and compiled, of which the
faster counts. ``ratio`` is the artifact's speed divided by PyTorch's. ``MFU`` and ``peak MiB`` are those of the batch:
the multiply-accumulates, two operations each, as a share of the device's peak, and the peak of live memory, parameters
included, as in `launch.benchmarks.train`. ``?`` marks numbers that another job disturbed.

    python -m launch.benchmarks.models --onnx [--models=lprnet,crnn] [--seconds=5]

Compares the artifact in JAX with its ONNX program in onnxruntime instead: milliseconds of 1 and of 32 pictures.
"""

import sys
from collections.abc import Callable

import jax
from absl import flags

from launch.benchmarks import onnx_models, rival
from launch.benchmarks.contestant import Result
from launch.benchmarks.inference_contestants import measure
from launch.benchmarks.rival import BATCH_SIZES, DTYPES, platform
from launch.benchmarks.timing import NOT_ALONE, machine, marked
from launch.runs import entry
from launch.runs.config import Config
from launch.runs.costs import config_names, count, count_models, load_config
from launch.runs.utilization import peak_flops

CONTESTANTS = ("recog", "artifact", "torch")
COMPARED = CONTESTANTS[1:]
"""Contestants of ``ratio``, whose MFU and memory are shown."""


def configure(name: str, dtype: str = "") -> Config:
    """A configuration as it is measured; an empty ``dtype`` takes the device's usual one."""
    config = load_config(name)
    config.model.dtype = dtype or DTYPES[platform()]
    return config


def header() -> list[str]:
    """Two lines of titles."""
    columns = [*CONTESTANTS, "ratio"] * 2 + [*COMPARED] * 2
    groups = f"{'':<17}{'':>10}{'':>8}{'':>13}{'':>11}{'images/s':>36}{'ms':>36}{'MFU %':>18}{'peak MiB':>18}"
    titles = f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}"
    return [groups, titles + "".join(f"{column:>9}" for column in columns)]


def line(name: str, config: Config, seconds: float) -> tuple[str, bool]:
    """Measures one configuration; returns its line, and whether no other process disturbed it."""
    cost, rows, peak = count(config), BATCH_SIZES[platform()], peak_flops(jax.devices()[0])
    many, one = measure(name, config, cost, (rows, 1), seconds)
    speeds = _speeds(many, lambda taken: f"{rows / taken:.0f}") + _speeds(one, lambda taken: f"{1e3 * taken:.1f}")
    cells = speeds + _shares(many, 2 * rows * cost.macs, peak) + _memory(many)
    alone = all(result.timing.alone for result in (*many.values(), *one.values()))
    return (
        f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
        + "".join(f"{cell:>9}" for cell in cells),
        alone,
    )


def _speeds(results: dict[str, Result], show: Callable[[float], str]) -> list[str]:
    """Each contestant's time as ``show`` writes it, and the ratio."""
    timings = {name: result.timing for name, result in results.items()}
    shown = [marked(show(timings[name].seconds), timings[name]) if name in timings else "-" for name in CONTESTANTS]
    if "torch" not in timings:
        return [*shown, "-"]
    ours, theirs = timings["artifact"], timings["torch"]
    return [*shown, marked(f"{theirs.seconds / ours.seconds:.2f}x", ours, theirs)]


def _shares(results: dict[str, Result], flops: int, peak: float) -> list[str]:
    """Model FLOP utilisation in percent."""
    timings = [results[name].timing if name in results else None for name in COMPARED]
    return [marked(f"{100 * flops / t.seconds / peak:.1f}", t) if t else "-" for t in timings]


def _memory(results: dict[str, Result]) -> list[str]:
    peaks = [results[name].peak_bytes if name in results else 0 for name in COMPARED]
    return [f"{peak / 2**20:.0f}" if peak else "-" for peak in peaks]


def check_names(names: list[str]) -> None:
    """Raises ``ValueError`` for names that are not under ``launch/configs``."""
    if unknown := set(names) - set(config_names()):
        raise ValueError(f"--models={','.join(sorted(unknown))}: choose among {', '.join(config_names())}")


def report(names: list[str], dtype: str, seconds: float) -> None:
    """Measures the models and prints the table, each line as soon as it is known."""
    print("\n".join(header()), flush=True)
    alone = True
    for number, name in enumerate(names, 1):
        print(f"measuring {name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        shown, undisturbed = line(name, configure(name, dtype), seconds)
        print(shown, flush=True)
        alone &= undisturbed
    print(
        f"images/s, MFU and peak: {BATCH_SIZES[platform()]} pictures at a time; ms: one picture; "
        f"{dtype or DTYPES[platform()]}; device peak {peak_flops(jax.devices()[0]) / 1e12:.2f} TFLOP/s"
    )
    if not alone:
        print(NOT_ALONE)
    print(machine("flax", "torch"), flush=True)


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    check_names(values.models)
    names = values.models or list(count_models())
    if values.onnx:
        return onnx_models.report(names, values.seconds)
    rival.share_memory()
    report(names, values.dtype, values.seconds)


if __name__ == "__main__":
    flags.DEFINE_list("models", [], "Names under launch/configs, without .py; by default each model once.")
    flags.DEFINE_bool("onnx", False, "Whether to compare artifacts in JAX with their ONNX programs, in float32.")
    rival.define_dtype()
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each contestant and batch size.", lower_bound=0.0)
    entry.run(main)
