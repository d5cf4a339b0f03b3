"""An implementation in a benchmark of models, and its measured time and memory."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax

from launch.benchmarks.timing import Timing


class Contestant(NamedTuple):
    """One implementation, compiled and run before."""

    run: Callable[[], Any]
    """Does the timed work, and waits for it."""
    peak_bytes: int
    """Peak bytes of live arrays; 0 where they are unknown."""


class Result(NamedTuple):
    """Measurements of one contestant."""

    timing: Timing
    peak_bytes: int


def peak_bytes(program: jax.stages.Compiled) -> int:
    """Peak bytes of live arrays during a run of the program; 0 where XLA does not report them."""
    memory = program.memory_analysis()
    if memory is None:
        return 0
    results = memory.output_size_in_bytes - memory.alias_size_in_bytes
    return memory.argument_size_in_bytes + results + memory.temp_size_in_bytes
