"""Who trains which cell: a file that can be created but once, on a folder that all machines see.

A claim is renewed while its process lives. One that has not been renewed for `STALE` seconds, by the clock of the file
system, or whose process on this machine is gone, may be taken over.
"""

import contextlib
import json
import os
import socket
import threading
import uuid
from pathlib import Path
from typing import Any

RENEWED = 20.0
"""Seconds between two signs of life."""
STALE = 180.0
"""Seconds without one after which a claim counts for nothing."""
FILE = "claim.json"


class Claims:
    """The claims of one process, renewed by a thread of their own; close it to give all back.

    Args:
      stale: seconds without a sign of life after which another's claim may be taken.
      renewed: seconds between signs of life.
    """

    def __init__(self, stale: float = STALE, renewed: float = RENEWED):
        self._stale, self._renewed = stale, renewed
        self._held: dict[Path, str] = {}
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._thread = threading.Thread(target=self._renew, daemon=True)
        self._thread.start()

    def take(self, folder: Path) -> bool:
        """Claims a cell's folder, which is made where it is missing; whether it is ours now."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        if not self._create(path):
            seen = read_claim(folder)
            if not (seen and self._counts_for_nothing(path, seen) and _put_aside(path, seen["nonce"])):
                return False
            return self._create(path)
        return True

    def give_back(self, folder: Path) -> None:
        """Lets others have the folder."""
        with self._lock:
            nonce = self._held.pop(folder / FILE, "")
        claim = read_claim(folder)
        if claim and claim["nonce"] == nonce:
            (folder / FILE).unlink(missing_ok=True)

    def close(self) -> None:
        """Gives back all that is held, and ends the thread."""
        self._closing.set()
        self._thread.join()
        for path in list(self._held):
            self.give_back(path.parent)

    def __enter__(self) -> "Claims":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _create(self, path: Path) -> bool:
        """Makes the claim as a whole or not at all: a link to a finished file."""
        nonce = uuid.uuid4().hex
        finished = path.with_name(f".claim-{nonce}")
        finished.write_text(json.dumps({"nonce": nonce, "pid": os.getpid(), **_machine()}))
        try:
            os.link(finished, path)
        except FileExistsError:
            return False
        finally:
            finished.unlink()
        with self._lock:
            self._held[path] = nonce
        return True

    def _counts_for_nothing(self, path: Path, claim: dict[str, Any]) -> bool:
        if _machine().items() <= claim.items() and not _alive(claim["pid"]):
            return True
        probe = path.with_name(f".clock-{uuid.uuid4().hex}")  # by the file system's clock: machines' may differ
        probe.touch()
        try:
            return probe.stat().st_mtime - path.stat().st_mtime > self._stale
        except FileNotFoundError:
            return False
        finally:
            probe.unlink()

    def _renew(self) -> None:
        while not self._closing.wait(self._renewed):
            with self._lock:
                held = list(self._held)
            for path in held:
                with contextlib.suppress(FileNotFoundError):
                    os.utime(path)


def read_claim(folder: Path) -> dict[str, Any] | None:
    """Whose the folder is: ``pid``, ``host`` and ``boot``; None where it is nobody's."""
    try:
        return json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return None


def _put_aside(path: Path, nonce: str) -> bool:
    """Removes the claim that was seen; False where another was quicker."""
    aside = path.with_name(f".stale-{uuid.uuid4().hex}")
    try:
        path.rename(aside)
    except FileNotFoundError:
        return False
    ours = json.loads(aside.read_text())["nonce"] == nonce
    if not ours:  # a fresh claim of one who was quicker: it goes back
        with contextlib.suppress(FileExistsError):
            os.link(aside, path)
    aside.unlink()
    return ours


def _machine() -> dict[str, str]:
    """What tells this machine from others, and from what it was before it was started anew."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    return {"host": socket.gethostname(), "boot": boot.read_text().strip() if boot.exists() else ""}


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
