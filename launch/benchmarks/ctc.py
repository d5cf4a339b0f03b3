"""Times the value and gradient of `recog.ctc.ctc_loss` against optax and torch, and measures each one's gradient error.

    python -m launch.benchmarks.ctc [--shapes=256x18x68x7,64x26x37x25] [--seconds=10]

Where ours is a GPU kernel (`recog.ctc.kernel`), the portable scan over frames competes too, as ``scan``. On other
devices and with labels too long for the kernel ours is that scan, and it is not measured twice.

Every contestant computes the mean loss of a batch and its gradient with respect to the logits, on the default JAX
device and on CUDA or the CPU in torch. XLA and torch each keep their own threads on the same cores, so the contestants
take turns in blocks, several rounds of them, and the table shows each one's median in its fastest round. Another job
on the cores slows torch far more than XLA (its threads wait for each other), which would flatter our ratios: a time
taken while other processes used these cores is marked ``?``, as is every ratio made from it, and is not a result (only
Linux reports this; elsewhere nothing is marked). The gradient error is the largest absolute difference from a float64
forward-backward in numpy, scaled to one sample's own loss.
"""

import sys
from collections.abc import Sequence

import numpy as np
from absl import app, flags

from launch.benchmarks.ctc_losses import make_contestants
from launch.benchmarks.ctc_problem import SHAPES, Shape, problem, reference_gradient
from launch.benchmarks.ctc_table import LossResult, Results, header, mean_line, shape_line
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, machine, time_in_turns


def measure(shape: Shape, seconds: float, rounds: int = ROUNDS) -> Results:
    """Measures all contestants on one shape."""
    case = problem(shape)
    field = make_contestants(case)
    timings = time_in_turns([c.run for c in field], seconds, rounds)
    truth = reference_gradient(case)
    return {
        c.name: LossResult(timing, c.temporary_bytes, float(np.max(np.abs(shape.B * c.gradient() - truth))))
        for c, timing in zip(field, timings, strict=True)
    }


def report(shapes: Sequence[Shape], seconds: float, rounds: int = ROUNDS) -> dict[Shape, Results]:
    """Measures the shapes and prints the table, each line as soon as it is known."""
    print(header(), flush=True)
    table = {}
    for number, shape in enumerate(shapes, 1):
        print(f"measuring {shape} ({number} of {len(shapes)})", file=sys.stderr, flush=True)
        table[shape] = measure(shape, seconds, rounds)
        print(shape_line(shape, table[shape]), flush=True)
    print(mean_line(table))
    if not all(result.timing.alone for results in table.values() for result in results.values()):
        print(NOT_ALONE)
    print(machine("optax", "torch"), flush=True)
    return table


def parse_shape(text: str) -> Shape:
    """Parses ``BxTxKxL``; raises ``UsageError`` for any other text."""
    sizes = text.split("x")
    if len(sizes) != 4 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise app.UsageError(f"--shapes: invalid shape {text!r}; expected BxTxKxL, for example 64x26x37x25")
    return Shape(*map(int, sizes))


def main(argv: Sequence[str]) -> None:
    """Prints the table."""
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {' '.join(argv[1:])}: only --shapes and --seconds are known")
    report([parse_shape(text) for text in flags.FLAGS.shapes], flags.FLAGS.seconds)


if __name__ == "__main__":
    flags.DEFINE_list("shapes", [str(shape) for shape in SHAPES], "Shapes to measure, each BxTxKxL.")
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each contestant on each shape.", lower_bound=0.0)
    app.run(main)
