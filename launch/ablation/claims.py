"""Who trains which cell: numbered files that can be created but once each, on a folder that all machines see.

The claim with the highest number counts. It is renewed while its process lives. Once it is given back, has not been
renewed for `STALE` seconds by the clock of the file system, or its process on this machine is gone, the next number may
be taken. A claim is never removed while it counts, so that two never hold it at once; a process that has stood still
for so long that another took its claim ends when it notices.
"""

import contextlib
import errno
import json
import os
import socket
import sys
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

RENEWED = 20.0
"""Seconds between two signs of life."""
STALE = 180.0
"""Seconds without one after which a claim counts for nothing."""
LOST = 75
"""Exit status of a process that stood still for so long that another took its claim."""
NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
"""What file systems say that have no hard links, as those on object stores."""


class Claims:
    """The claims of one process, renewed by a thread of their own; close it to give all back.

    Args:
      stale: seconds without a sign of life after which another's claim may be taken.
      renewed: seconds between signs of life.
      lost: called with a folder that another has taken after all, because this process stood still for so long; by
        default the process ends at once, so that two do not write there.
    """

    def __init__(self, stale: float = STALE, renewed: float = RENEWED, lost: Callable[[Path], None] | None = None):
        self._stale, self._renewed, self._lost = stale, renewed, lost or _end
        self._held: dict[Path, Path] = {}
        self._doubted: dict[Path, float] = {}
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def take(self, folder: Path) -> bool:
        """Claims a cell's folder, which is made where it is missing; whether it is ours now."""
        folder.mkdir(parents=True, exist_ok=True)
        last = _last(folder)
        if last and not self._is_over(last):
            return False
        return self._create(folder, _number(last) + 1 if last else 1)

    def is_doubtful(self, folder: Path) -> bool:
        """Whether another machine's claim has shown no sign of life since this was first asked; ask again and again."""
        last = _last(folder)
        try:
            if last is None or (claim := _read(last))["over"] or this_machine().items() <= claim.items():
                return False
            renewed = last.stat().st_mtime
        except FileNotFoundError:
            return False
        return self._doubted.setdefault(last, renewed) == renewed

    def give_back(self, folder: Path) -> None:
        """Lets others have the folder."""
        with self._lock:
            path = self._held.pop(folder, None)
        if path:
            _write_whole(path, {**_who(), "over": True}, os.replace)

    def close(self) -> None:
        """Gives back all that is held, and ends the thread."""
        self._closing.set()
        self._thread.join()
        for folder in list(self._held):
            self.give_back(folder)

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _create(self, folder: Path, number: int) -> bool:
        path = folder / f"claim-{number}.json"
        try:
            _write_whole(path, {**_who(), "over": False}, _put_new)
        except FileExistsError:
            return False
        if _last(folder) != path:  # what was seen to be over is long gone, and others have been here since
            path.unlink(missing_ok=True)
            return False
        with self._lock:
            self._held[folder] = path
        for before in _claims(folder):
            if _number(before) < number:
                before.unlink(missing_ok=True)
        return True

    def _is_over(self, path: Path) -> bool:
        try:
            claim = _read(path)
            if claim["over"] or (this_machine().items() <= claim.items() and not _alive(claim["pid"])):
                return True
            probe = path.with_name(f".clock-{uuid.uuid4().hex}")  # by the file system's clock: machines' may differ
            probe.touch()
            age = probe.stat().st_mtime - path.stat().st_mtime
            probe.unlink()
        except FileNotFoundError:  # another was quicker, and tidied up
            return False
        return age > self._stale

    def _renew(self) -> None:
        while not self._closing.wait(self._renewed):
            with self._lock:
                held = dict(self._held)
            for folder, path in held.items():
                with contextlib.suppress(OSError):  # a file system that does not answer may do so the next time
                    if _last(folder) != path and self._held.get(folder) == path:
                        self._lost(folder)
                    os.utime(path)


def _end(folder: Path) -> None:
    print(f"{folder} was taken by another process while this one stood still: it ends", file=sys.stderr, flush=True)
    os._exit(LOST)


def read_claim(folder: Path) -> dict[str, Any] | None:
    """Whose the folder is: ``pid``, ``host`` and ``boot``; None where it is nobody's."""
    while last := _last(folder):
        with contextlib.suppress(FileNotFoundError):  # a later one has come in between
            claim = _read(last)
            return None if claim["over"] else claim
    return None


def _claims(folder: Path) -> list[Path]:
    return list(folder.glob("claim-*.json"))


def _last(folder: Path) -> Path | None:
    return max(_claims(folder), key=_number, default=None)


def _number(path: Path) -> int:
    return int(path.stem.removeprefix("claim-"))


def _write_whole(path: Path, claim: dict[str, Any], put: Callable[[Path, Path], None]) -> None:
    """Puts a finished file in its place, so that nobody reads half of one."""
    finished = path.with_name(f".claim-{uuid.uuid4().hex}")
    finished.write_text(json.dumps(claim))
    try:
        put(finished, path)
    finally:
        finished.unlink(missing_ok=True)


def _put_new(finished: Path, path: Path) -> None:
    """Puts a file where there is none; raises ``FileExistsError`` where there is one."""
    try:
        os.link(finished, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("x") as file:  # which others may see before it is written
            file.write(finished.read_text())


def _read(path: Path) -> dict[str, Any]:
    """A claim; of one that is just being written only that it is one."""
    try:
        return json.loads(path.read_text())
    except ValueError:
        return {"pid": 0, "host": "", "over": False}


def _who() -> dict[str, Any]:
    return {"pid": os.getpid(), **this_machine()}


def this_machine() -> dict[str, str]:
    """What tells where a process number means something: the machine, since it was started, and the container."""
    boot, processes = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
    return {
        "host": socket.gethostname(),
        "boot": boot.read_text().strip() if boot.exists() else "",
        "processes": str(processes.readlink()) if processes.is_symlink() else "",
    }


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
