"""Fair timing on shared cores, and a description of the machine to print below the results."""

import importlib.metadata
import importlib.util
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax

ROUNDS = 5
FOREIGN_SHARE = 0.1
"""A time does not count when other processes used more than this share of the cores while it was taken."""


class Timing(NamedTuple):
    """Duration of one run."""

    seconds: float
    """Median over one round."""
    foreign_share: float
    """Share of the cores (0 to 1) that other processes used meanwhile; 0 where the system does not report it."""

    @property
    def alone(self) -> bool:
        """Whether no other process disturbed the timing."""
        return self.foreign_share <= FOREIGN_SHARE


NOT_ALONE = "? other processes used these cores meanwhile: measure again before quoting a marked number"
"""Line below a table with marks."""


def marked(text: str, *timings: Timing) -> str:
    """The text of a number, with a ``?`` where another job disturbed one of its timings."""
    return text if all(timing.alone for timing in timings) else f"{text}?"


def core_seconds() -> float:
    """Seconds since boot for which this process's cores have been busy or withheld, for any process."""
    try:
        mine = {f"cpu{core}" for core in os.sched_getaffinity(0)}
        rows = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
        # Columns: name, user, nice, system, idle, iowait, irq, softirq, steal, in clock ticks.
        ticks = sum(int(row[column]) for row in rows if row[0] in mine for column in (1, 2, 3, 6, 7, 8))
        return ticks / os.sysconf("SC_CLK_TCK")
    except (AttributeError, OSError):
        return 0.0


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _time_block(run: Callable[[], object], seconds: float) -> Timing:
    """Repeats one run for a while."""
    run()  # not counted: lets the other contestant's threads fall asleep and the caches fill
    run()
    taken = []
    busy, own, begin = core_seconds(), time.process_time(), time.perf_counter()
    while not taken or time.perf_counter() < begin + seconds:
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    foreign = (core_seconds() - busy) - (time.process_time() - own)
    share = foreign / (cores() * (time.perf_counter() - begin))
    return Timing(statistics.median(taken), min(max(share, 0.0), 1.0))


def time_in_turns(runs: Sequence[Callable[[], object]], seconds: float, rounds: int = ROUNDS) -> list[Timing]:
    """Times the runs in turns, each with its share of ``seconds`` in every round; the fastest round of each counts."""
    blocks = [[_time_block(run, seconds / rounds) for run in runs] for _ in range(rounds)]
    return [min(column) for column in zip(*blocks, strict=True)]


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open() as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine(*packages: str) -> str:
    """Hardware, and versions of Python, JAX and these packages where they are installed; two lines."""
    device = jax.devices()[0]
    installed = [name for name in ("jax", *packages) if importlib.util.find_spec(name)]
    versions = [f"{name} {importlib.metadata.version(name)}" for name in installed]
    return (
        f"python {platform.python_version()}, {', '.join(versions)}\n"
        f"{_processor()}, {cores()} cores, jax on {device.platform} ({device.device_kind})"
    )
