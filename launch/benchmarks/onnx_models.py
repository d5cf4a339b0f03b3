"""Table of the time that artifacts take in JAX and in onnxruntime."""

import sys
from collections.abc import Sequence

from launch.benchmarks.inference_contestants import Ours
from launch.benchmarks.timing import NOT_ALONE, machine, marked, time_in_turns
from launch.runs.config import Config
from launch.runs.costs import count, load_config

BATCH_SIZES = (1, 32)
"""Pictures at a time."""


def header() -> list[str]:
    """Two lines of titles."""
    groups = "".join(f"{f'ms, {rows} pictures' if rows > 1 else 'ms, 1 picture':>30}" for rows in BATCH_SIZES)
    return [f"{'':<17}{'':>10}{groups}", f"{'':<17}{'input':>10}" + f"{'jax':>10}{'onnx':>10}{'ratio':>10}" * 2]


def line(name: str, config: Config, seconds: float) -> tuple[str, bool]:
    """Measures one configuration; returns its line, and whether no other process disturbed it."""
    cost = count(config)
    ours, shown, alone = Ours(config, cost), "", True
    for rows in BATCH_SIZES:
        jax, onnx = time_in_turns([ours.exported(rows).run, ours.onnx(rows).run], seconds)
        cells = [marked(f"{1e3 * timing.seconds:.1f}", timing) for timing in (jax, onnx)]
        cells.append(marked(f"{jax.seconds / onnx.seconds:.2f}x", jax, onnx))
        shown += "".join(f"{cell:>10}" for cell in cells)
        alone &= jax.alone and onnx.alone
    return f"{name:<17}{cost.size:>10}{shown}", alone


def report(names: Sequence[str], seconds: float) -> None:
    """Measures the models in float32 and prints the table, each line as soon as it is known."""
    print("\n".join(header()), flush=True)
    alone = True
    for number, name in enumerate(names, 1):
        print(f"measuring {name} ({number} of {len(names)})", file=sys.stderr, flush=True)
        config = load_config(name)
        config.model.dtype = "float32"
        shown, undisturbed = line(name, config, seconds)
        print(shown, flush=True)
        alone &= undisturbed
    print("ratio: time in JAX by time in onnxruntime, above 1 where onnxruntime is faster; float32, fresh parameters")
    if not alone:
        print(NOT_ALONE)
    print(machine("flax", "onnxruntime"), flush=True)
