"""The table of beam searches: times, ratios, and agreement of texts, a line for each shape and kind of emissions."""

import sys
from collections.abc import Sequence
from typing import NamedTuple

import jax
import numpy as np

from launch.benchmarks.beam_contestants import LIMITED, make_contestants, missing
from launch.benchmarks.beam_problem import KINDS, Shape, emissions
from launch.benchmarks.timing import ROUNDS, Timing, marked, time_in_turns
from recog.ctc import ctc_loss

RIVALS = ("fast-ctc", "ctc-beam", LIMITED)
"""Rivals in the table, whether they are installed or not."""
NOTE = f"""agree: share of texts that equal ours; of others, how many of ours:theirs are more probable (exact CTC)
{LIMITED} ctc-beam-decoder with its default limits (tokens below -5 and hypotheses below -10), which lose hypotheses"""


class Agreement(NamedTuple):
    """Comparison of a rival's best texts with ours."""

    share: float
    """Share of equal texts, 0 to 1."""
    ours: int
    """Number of other texts of which ours is the more probable."""
    theirs: int
    """Number of other texts of which theirs is the more probable."""

    def __str__(self) -> str:
        return f"{self.share:.1%} {self.ours}:{self.theirs}"


class BeamResult(NamedTuple):
    """Measurements of one contestant."""

    timing: Timing
    """Duration of a batch."""
    agreement: Agreement


Results = dict[str, BeamResult]
"""Measurements on one batch by contestant, ours first."""


def measure(shape: Shape, kind: str, seconds: float, rounds: int = ROUNDS) -> Results:
    """Measures all contestants on one batch."""
    logits = emissions(shape, kind)
    field = make_contestants(logits, shape)
    timings = time_in_turns([contestant.run for contestant in field], seconds, rounds)
    texts = [contestant.texts() for contestant in field]
    return {
        contestant.name: BeamResult(timing, compare(logits, texts[0], theirs))
        for contestant, timing, theirs in zip(field, timings, texts, strict=True)
    }


def compare(logits: np.ndarray, ours: Sequence[tuple[int, ...]], theirs: Sequence[tuple[int, ...]]) -> Agreement:
    """Compares two lists of texts; of those that differ by their losses."""
    differ = np.array([one != other for one, other in zip(ours, theirs, strict=True)])
    better = (_losses(logits, ours) - _losses(logits, theirs))[differ]
    return Agreement(1.0 - float(differ.mean()), int((better < 0).sum()), int((better > 0).sum()))


_exact = jax.jit(ctc_loss)


def _losses(logits: np.ndarray, texts: Sequence[tuple[int, ...]]) -> np.ndarray:
    batch, frames, _ = logits.shape
    labels = np.zeros((batch, frames), np.int32)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = text
    lengths = np.array([len(text) for text in texts], np.int32)
    return np.asarray(_exact(logits, np.full(batch, frames), labels, lengths))


def report(shapes: Sequence[Shape], seconds: float, rounds: int = ROUNDS) -> dict[tuple[Shape, str], Results]:
    """Measures the shapes and prints the table, each line as soon as it is known."""
    print(header(), flush=True)
    table = {}
    for number, shape in enumerate(shapes, 1):
        print(f"measuring {shape} ({number} of {len(shapes)})", file=sys.stderr, flush=True)
        for kind in KINDS:
            table[shape, kind] = measure(shape, kind, seconds, rounds)
            print(line(shape, kind, table[shape, kind]), flush=True)
    print(NOTE)
    for package in missing():
        print(f"{package} is not installed: pip install {package}")
    return table


def header() -> str:
    """Two lines of titles."""
    groups = [("milliseconds a picture", ("recog", *RIVALS)), ("times faster than", RIVALS), ("agree", RIVALS)]
    titles = "".join(title.rjust(_WIDTH * len(names)) for title, names in groups)
    return f"{'':25}{titles}\n{_line('B x T x K x W', '', [name for _, names in groups for name in names])}"


def line(shape: Shape, kind: str, results: Results) -> str:
    """Times, ratios and agreement on one batch."""
    ours = results["recog"].timing
    field = [results.get(name) for name in ("recog", *RIVALS)]
    times = [marked(f"{1e3 * r.timing.seconds / shape.B:.3f}", r.timing) if r else "-" for r in field]
    ratios = [marked(f"{r.timing.seconds / ours.seconds:.2f}x", r.timing, ours) if r else "-" for r in field[1:]]
    return _line(str(shape), kind, [*times, *ratios, *(str(r.agreement) if r else "-" for r in field[1:])])


_WIDTH = 11


def _line(shape: str, kind: str, cells: Sequence[str]) -> str:
    return shape.ljust(16) + kind.ljust(9) + "".join(cell.rjust(_WIDTH) for cell in cells)
