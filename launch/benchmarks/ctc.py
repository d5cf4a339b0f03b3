"""Times the value and gradient of `recog.ctc.ctc_loss` against optax and torch, and measures each one's gradient error.

    python -m launch.benchmarks.ctc [--shapes=256x18x68x7,64x26x37x25] [--seconds=10]

Where ours is a GPU kernel (`recog.ctc.kernel`), it also competes with itself by the portable scan over frames, as
``scan``. On other devices and with labels too long for the kernel ours is that scan, and it is not measured twice.

Every contestant computes the mean loss of a batch and its gradient with respect to the logits, on the default JAX
device and on CUDA or the CPU in torch. XLA and torch each keep their own threads on the same cores, so the contestants
take turns in blocks, several rounds of them, and the table shows each one's median in its fastest round. Another job
on the cores slows torch far more than XLA (its threads wait for each other), which would flatter our ratios: a time
taken while other processes used these cores is marked ``?``, as is every ratio made from it, and is no result (Linux
alone tells; elsewhere nothing is marked). The gradient
error is the largest absolute difference from a float64 forward-backward in numpy, scaled to one sample's own loss.
"""

import importlib.metadata
import importlib.util
import statistics
import sys
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from absl import app, flags
from jaxtyping import Float, Int

from launch.benchmarks.forward_backward import float64_reference
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, Timing, machine, marked, time_in_turns
from recog.ctc import ctc_loss, kernel
from recog.ctc.loss import scan_loss


class Shape(NamedTuple):
    """Sizes of one benchmark batch: samples, frames, classes with the blank, label slots."""

    B: int
    T: int
    K: int
    L: int

    def __str__(self) -> str:
        return "x".join(map(str, self))


SHAPES = (
    Shape(256, 18, 68, 7),
    Shape(64, 26, 37, 25),
    Shape(256, 26, 37, 25),
    Shape(32, 100, 100, 40),
    Shape(16, 400, 100, 100),
    Shape(64, 32, 7000, 16),
)
"""License plates, words (two batch sizes), text lines, long lines, Chinese text."""


class Problem(NamedTuple):
    """A batch to be scored; the blank is class 0."""

    logits: Float[np.ndarray, "B T K"]
    logit_lengths: Int[np.ndarray, " B"]
    labels: Int[np.ndarray, "B L"]
    label_lengths: Int[np.ndarray, " B"]


class Contestant(NamedTuple):
    """One implementation, bound to one problem."""

    name: str
    run: Callable[[], object]
    """Computes the mean loss and its gradient, and waits for them."""
    gradient: Callable[[], np.ndarray]
    """The gradient of the mean loss, ``B T K``."""
    temporary_bytes: int | None
    """Peak temporary memory of the compiled program, where the implementation tells."""


class Result(NamedTuple):
    """What one contestant showed on one shape."""

    timing: Timing
    temporary_bytes: int | None
    gradient_error: float


def problem(shape: Shape, seed: int = 0) -> Problem:
    """Standard normal logits on all frames, and labels of ``L`` tokens, cut where their repeats need more frames."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal(shape[:3]).astype(np.float32)
    labels = rng.integers(1, shape.K, (shape.B, shape.L)).astype(np.int32)
    repeats = np.cumsum(labels[:, 1:] == labels[:, :-1], axis=1)
    frames_needed = np.arange(1, shape.L + 1) + np.pad(repeats, ((0, 0), (1, 0)))
    label_lengths = np.asarray(np.sum(frames_needed <= shape.T, axis=1), np.int32)
    return Problem(logits, np.full(shape.B, shape.T, np.int32), labels, label_lengths)


def reference_gradient(case: Problem) -> Float[np.ndarray, "B T K"]:
    """Gradient of the sum of the losses in float64."""
    gradient = np.zeros(case.logits.shape)
    for b, (frames, tokens) in enumerate(zip(case.logit_lengths, case.label_lengths, strict=True)):
        gradient[b, :frames] = float64_reference(case.logits[b, :frames], case.labels[b, :tokens])[1]
    return gradient


def optax_loss(logits, logit_lengths, labels, label_lengths):
    """`optax.ctc_loss`, which wants paddings, in the signature of `recog.ctc.ctc_loss`."""
    frame_padding = jnp.arange(logits.shape[1]) >= logit_lengths[:, None]
    slot_padding = jnp.arange(labels.shape[1]) >= label_lengths[:, None]
    return optax.ctc_loss(logits, frame_padding.astype(jnp.float32), labels, slot_padding.astype(jnp.float32))


def jax_contestant(name: str, loss: Callable[..., jax.Array], case: Problem) -> Contestant:
    """A JAX loss with the signature of `ctc_loss`, compiled for the default device."""
    arguments = tuple(map(jnp.asarray, case))
    program = jax.jit(jax.value_and_grad(lambda *a: jnp.mean(loss(*a)))).lower(*arguments).compile()
    memory = program.memory_analysis()
    return Contestant(
        name,
        lambda: jax.block_until_ready(program(*arguments)),
        lambda: np.asarray(program(*arguments)[1]),
        None if memory is None else memory.temp_size_in_bytes,
    )


def torch_contestant(case: Problem) -> Contestant:
    """The native loss of torch after log_softmax, on logits kept in its own layout ``T B K``."""
    import torch  # pyright: ignore[reportMissingImports]  # a contestant where it is at hand, never a requirement

    device = "cuda" if torch.cuda.is_available() else "cpu"
    logits = torch.tensor(case.logits.swapaxes(0, 1).copy(), device=device, requires_grad=True)
    labels, logit_lengths, label_lengths = (
        torch.tensor(x.astype(np.int64), device=device) for x in (case.labels, case.logit_lengths, case.label_lengths)
    )

    def gradient():
        scores = torch.nn.functional.log_softmax(logits, dim=-1)
        total = torch.nn.functional.ctc_loss(scores, labels, logit_lengths, label_lengths, reduction="sum")
        (result,) = torch.autograd.grad(total / len(case.logits), logits)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return Contestant("torch", gradient, lambda: gradient().cpu().numpy().swapaxes(0, 1), None)


def jax_losses() -> dict[str, Callable[..., jax.Array]]:
    """By name: ours, on GPUs where it is a kernel also by the scan, and optax."""
    scan = {"scan": scan_loss} if kernel.available() else {}
    return {"recog": ctc_loss, **scan, "optax": optax_loss}


def contestants(case: Problem) -> list[Contestant]:
    """Those of JAX, and torch where it is installed."""
    losses = jax_losses()
    if case.labels.shape[1] > kernel.LONGEST:
        losses.pop("scan", None)
    found = [jax_contestant(name, loss, case) for name, loss in losses.items()]
    return [*found, torch_contestant(case)] if importlib.util.find_spec("torch") else found


def measure(shape: Shape, seconds: float, rounds: int = ROUNDS) -> dict[str, Result]:
    """Each contestant's result on one shape, by name."""
    case = problem(shape)
    field = contestants(case)
    timings = time_in_turns([c.run for c in field], seconds, rounds)
    truth = reference_gradient(case)
    return {
        c.name: Result(
            timing,
            c.temporary_bytes,
            float(np.max(np.abs(shape.B * c.gradient() - truth))),
        )
        for c, timing in zip(field, timings, strict=True)
    }


def _names() -> list[str]:
    """Of the contestants, ours first."""
    return [*jax_losses(), "torch"]


def _groups() -> list[tuple[str, list[str]]]:
    """Titles, and the contestants below each."""
    names = _names()
    return [
        ("milliseconds", names),
        ("times faster than", names[1:]),
        ("temporary MiB", names[:-1]),
        ("gradient error", names),
    ]


def _line(first: str, cells: Sequence[str], width: int = 9) -> str:
    return first.ljust(16) + "".join(cell.rjust(width) for cell in cells)


def _header() -> str:
    titles = [title.rjust(9 * len(names)) for title, names in _groups()]
    return f"{_line('', titles)}\n{_line('B x T x K x L', [name for _, names in _groups() for name in names])}"


class _Ratio(NamedTuple):
    """How many times faster than a rival ours is, and whether the cores were ours."""

    value: float
    alone: bool

    def __str__(self) -> str:
        return f"{self.value:.2f}x{'' if self.alone else '?'}"


def _ratio(results: dict[str, Result], rival: str) -> _Ratio | None:
    if rival not in results:
        return None
    ours, theirs = results["recog"].timing, results[rival].timing
    return _Ratio(theirs.seconds / ours.seconds, ours.alone and theirs.alone)


def _geometric_mean(table: dict[Shape, dict[str, Result]], rival: str) -> _Ratio | None:
    known = [ratio for results in table.values() if (ratio := _ratio(results, rival))]
    return _Ratio(statistics.geometric_mean(r.value for r in known), all(r.alone for r in known)) if known else None


def _cells(results: dict[str, Result]) -> list[str]:
    """Times, ratios, memory, gradient errors of one shape."""
    names = _names()
    field = [results.get(name) for name in names]
    milliseconds = [marked(f"{1e3 * r.timing.seconds:.2f}", r.timing) if r else "-" for r in field]
    ratios = [str(_ratio(results, rival) or "-") for rival in names[1:]]
    memory = [f"{r.temporary_bytes / 2**20:.1f}" if r and r.temporary_bytes is not None else "-" for r in field[:-1]]
    errors = [f"{r.gradient_error:.1e}" if r else "-" for r in field]
    return milliseconds + ratios + memory + errors


def report(shapes: Sequence[Shape], seconds: float, rounds: int = ROUNDS) -> dict[Shape, dict[str, Result]]:
    """Measures the shapes and prints the table, each line as soon as it is known."""
    print(_header(), flush=True)
    table = {}
    for number, shape in enumerate(shapes, 1):
        print(f"measuring {shape} ({number} of {len(shapes)})", file=sys.stderr, flush=True)
        table[shape] = measure(shape, seconds, rounds)
        print(_line(str(shape), _cells(table[shape])), flush=True)
    names = _names()
    means = [str(_geometric_mean(table, rival) or "-") for rival in names[1:]]
    print(_line("geometric mean", [""] * len(names) + means))
    if not all(result.timing.alone for results in table.values() for result in results.values()):
        print(NOT_ALONE)
    print(machine("optax", "torch"), flush=True)
    return table


def _parse(text: str) -> Shape:
    sizes = text.split("x")
    if len(sizes) != 4 or not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise app.UsageError(f"--shapes: {text!r} is no shape: write BxTxKxL, for example 64x26x37x25")
    return Shape(*map(int, sizes))


def _main(argv: Sequence[str]) -> None:
    if len(argv) > 1:
        raise app.UsageError(f"unexpected arguments {' '.join(argv[1:])}: only --shapes and --seconds are known")
    report([_parse(text) for text in flags.FLAGS.shapes], flags.FLAGS.seconds)


if __name__ == "__main__":
    flags.DEFINE_list("shapes", [str(shape) for shape in SHAPES], "Shapes to measure, each BxTxKxL.")
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each contestant on each shape.", lower_bound=0.0)
    app.run(_main)
