"""Fair timing of data loaders that have worker processes."""

import contextlib
import multiprocessing
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from launch.benchmarks.timing import Timing, core_seconds, cores


def time_loaders(
    loaders: Sequence[Iterator[object]], batch_size: int, workers: int, seconds: float, rounds: int
) -> list[Timing]:
    """Times loaders in turns; each one's fastest round counts.

    Args:
      loaders: endless iterators of batches.
      batch_size: images of a batch.
      workers: worker processes of each loader.
      seconds: measured time of each loader, over all rounds.
      rounds: turns of each loader.

    Returns:
      Seconds an image.
    """
    ahead = 10 + 4 * workers  # about as many batches as a loader has ready
    blocks = [[_time_block(x, batch_size, ahead, seconds / rounds) for x in loaders] for _ in range(rounds)]
    return [min(column) for column in zip(*blocks, strict=True)]


def _time_block(batches: Iterator[object], batch_size: int, ahead: int, seconds: float) -> Timing:
    """Times one loader after it has used up the ``ahead`` batches that it had ready."""
    for _ in range(ahead):
        next(batches)
    count, busy, own, begin = 0, core_seconds(), family_seconds(), time.perf_counter()
    while not count or time.perf_counter() < begin + seconds:
        next(batches)
        count += 1
    elapsed = time.perf_counter() - begin
    foreign = (core_seconds() - busy) - (family_seconds() - own)
    share = foreign / (cores() * elapsed)
    return Timing(elapsed / (count * batch_size), min(max(share, 0.0), 1.0))


def family_seconds() -> float:
    """Core seconds used by this process and its workers."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            after_name = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")  # user and system
    return total
