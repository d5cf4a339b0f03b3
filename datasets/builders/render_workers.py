"""Processes that render and write shards; each shard appears under its name once it is complete."""

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from multiprocessing import connection
from pathlib import Path
from typing import Any

from datasets.builders.rendering import Rendering
from datasets.builders.shards import write_shard

PART = ".part"
"""Suffix of a shard that is not complete."""
INTERVAL = 0.2
"""Seconds between two reports of a worker."""

Shard = tuple[Path, range]
"""File of a shard, and the indices of its samples."""


def write_all(
    rendering: Rendering, shards: Mapping[Path, range], workers: int, report: Callable[[int], object]
) -> None:
    """Writes shards in this process, or in several that take one shard after the other.

    Other processes end when this function is left in any way, and when this process is killed.

    Args:
      rendering: the samples.
      shards: indices of the samples of each shard, by its file.
      workers: maximum number of processes.
      report: called with numbers of samples as they are written.

    Raises:
      ChildProcessError: a process was killed.
      Exception: any error of a process.
    """
    workers = min(workers, len(shards))
    if workers <= 1:
        _write(rendering, shards.items(), report)
        return
    context = multiprocessing.get_context("spawn")  # JAX's threads do not survive a fork
    next_shard = context.Value("q", 0)
    pending, processes = {}, []
    try:
        for _ in range(workers):
            receiving, sending = context.Pipe(duplex=False)
            process = context.Process(
                target=_work, args=(rendering, list(shards.items()), next_shard, sending), daemon=True
            )
            with _interrupts_ignored():
                process.start()
            sending.close()
            processes.append(process)
            pending[receiving] = process
        _follow(pending, report)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.join()


def _follow(pending: dict[connection.Connection, Any], report: Callable[[int], object]) -> None:
    """Passes on what processes report until all have ended; raises their errors."""
    while pending:
        for receiving in connection.wait(list(pending)):
            assert isinstance(receiving, connection.Connection)
            try:
                message = receiving.recv()
            except EOFError:
                _check_ended(pending.pop(receiving))
                continue
            if isinstance(message, Exception):
                raise message
            report(message)


def _work(rendering: Rendering, shards: list[Shard], next_shard: Any, sending: Any) -> None:
    """Writes shards that no other process has taken, and sends how many samples are done, or an error."""
    try:
        _write(rendering, _taken(shards, next_shard), sending.send)
    except BrokenPipeError:  # the process that started this one was killed
        return
    except Exception as error:
        with contextlib.suppress(BrokenPipeError):
            sending.send(error)


def _taken(shards: list[Shard], next_shard: Any) -> Iterator[Shard]:
    while True:
        with next_shard.get_lock():
            taken, next_shard.value = next_shard.value, next_shard.value + 1
        if taken >= len(shards):
            return
        yield shards[taken]


def _write(rendering: Rendering, shards: Iterable[Shard], report: Callable[[int], object]) -> None:
    for file, indices in shards:
        part = file.with_name(file.name + PART)
        write_shard(part, _counted(rendering.records(indices), report))
        part.rename(file)


def _counted(records: Iterator[bytes], report: Callable[[int], object]) -> Iterator[bytes]:
    """Passes records on and reports their number, every `INTERVAL` and at the end."""
    done, reported = 0, time.monotonic()
    for record in records:
        yield record
        done += 1
        if time.monotonic() > reported + INTERVAL:
            report(done)
            done, reported = 0, time.monotonic()
    report(done)


def _check_ended(process: Any) -> None:
    process.join()
    if process.exitcode:
        raise ChildProcessError(
            f"a worker ended with exit status {process.exitcode} (-9: killed by the system, mostly for want of "
            "memory): give the same command again, with fewer --workers"
        )


@contextlib.contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Context whose child processes ignore Ctrl-C for good, so that their parent alone ends them."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
