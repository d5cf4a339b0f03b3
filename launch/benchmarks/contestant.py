"""One implementation in a benchmark of models: what is timed, and what it showed in time and in memory."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from launch.benchmarks.timing import Timing


class Contestant(NamedTuple):
    """One implementation, compiled and run before."""

    run: Callable[[], Any]
    """Does what is timed, and waits for it."""
    peak_bytes: int
    """Of all arrays that are alive at once, at most; 0 where nobody tells."""


class Result(NamedTuple):
    """What one contestant showed."""

    timing: Timing
    peak_bytes: int


def peak_bytes(program: jax.stages.Compiled) -> int:
    """Of all arrays that are alive at once, at most, during a run; 0 where XLA does not tell."""
    memory = program.memory_analysis()
    if memory is None:
        return 0
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes
