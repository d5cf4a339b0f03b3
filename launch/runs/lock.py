"""Lock of a work folder, so that one run at a time trains in it.

The lock is the operating system's (`filelock`), on the file ``lock``, and is dropped when the process ends in any way.
``running.json`` beside it says who holds it, for messages; a killed process leaves that file behind without effect.
"""

import contextlib
import datetime
import errno
import json
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from launch.runs import distributed

LOCK, HOLDER = "lock", "running.json"

WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP)
"""Errors of file systems that have no locks."""


class FolderInUseError(ValueError):
    """Another process trains in the work folder."""


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Context in which no other run trains in a work folder; process 0 holds the lock of a run of several processes.

    The folder is created, and removed at the end if nothing was written into it. On file systems without locks a note
    is printed.

    Raises:
      FolderInUseError: another process trains in the folder; names it.
      OSError: the folder cannot be created or written.
    """
    with contextlib.ExitStack() as stack:
        failure = None
        if distributed.first():
            try:
                stack.enter_context(_held(folder))
            except (FolderInUseError, OSError) as error:
                failure = error
        if not distributed.first_succeeded(failure is None):
            raise failure or FolderInUseError(f"process 0 cannot use --workdir={folder}: see its error")
        yield


def try_lock(folder: Path, *, soft: bool = True) -> contextlib.AbstractContextManager | None:
    """Locks a folder until the returned context exits; None if another process holds it.

    Args:
      folder: an existing folder.
      soft: whether to replace the lock by a file with the number of the process on file systems without locks.

    Raises:
      OSError: the folder cannot be written, or its file system has no locks.
    """
    lock = FileLock(folder / LOCK, fallback_to_soft=soft)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    with contextlib.ExitStack() as stack:
        stack.callback(lock.release)
        stack.enter_context(_announced(folder / HOLDER))
        return stack.pop_all()


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        stack.callback(_remove_if_unused, folder, new)
        try:
            lock = try_lock(folder, soft=False)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise
            print(f"note: the file system of {folder} has no locks: start no second run on this folder", flush=True)
        else:
            if lock is None:
                stack.pop_all()
                raise FolderInUseError(
                    f"--workdir={folder} is in use: {_holder(folder)} trains in it. "
                    "Wait until it ends, stop it, or choose another folder"
                )
            stack.enter_context(lock)
        yield


@contextlib.contextmanager
def _announced(path: Path) -> Iterator[None]:
    """Writes which process holds the lock while the context lasts."""
    since = datetime.datetime.now().astimezone().isoformat(" ", "seconds")
    with contextlib.suppress(OSError):  # the disk may be full
        path.write_text(json.dumps({"host": os.uname().nodename, "pid": os.getpid(), "since": since}) + "\n")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _holder(folder: Path) -> str:
    """Name of the process that holds the lock."""
    try:
        return "process {pid} on {host}, since {since},".format(**json.loads((folder / HOLDER).read_text()))
    except (OSError, ValueError, KeyError, TypeError):  # it is just being written
        return "another process"


def _remove_if_unused(folder: Path, new: bool) -> None:
    """Removes the lock's file, and the folder if it is new, if they are all that there is."""
    with contextlib.suppress(OSError):
        if [path.name for path in folder.iterdir()] in ([LOCK], []):
            (folder / LOCK).unlink(missing_ok=True)
            if new:
                folder.rmdir()
