"""A server in a process of its own, for benchmarks."""

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO
from urllib.parse import urlsplit


class Served:
    """Starts ``launch.serve`` and waits until it is ready; a context manager that ends it.

    Args:
      flags: flags of the command, but for the port.

    Raises:
      ValueError: the server has ended before it was ready.
    """

    def __init__(self, flags: Sequence[str]):
        command = [sys.executable, "-m", "launch.serve", "--port=0", *flags]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self._process.stderr
        lines = []
        for line in self._process.stderr:
            lines.append(line)
            if '"event": "ready"' in line:
                break
        else:
            raise ValueError(f"the server has ended: {''.join(lines[-5:]).strip()}")
        url = urlsplit(json.loads(line)["url"])
        self.host, self.port = url.hostname or "", url.port or 0
        threading.Thread(target=self._empty_pipe, args=(self._process.stderr,), daemon=True).start()

    def __enter__(self) -> "Served":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self._process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """Exit status, once the server has ended."""
        return self._process.wait(timeout=120)

    def mebibytes(self) -> float:
        """Resident memory of the server in MiB; NaN where the system does not report it."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text().split()[1]
        except OSError:
            return float("nan")
        return int(pages) * 4096 / 2**20

    @staticmethod
    def _empty_pipe(lines: IO[str]) -> None:
        for _ in lines:
            pass
