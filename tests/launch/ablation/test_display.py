"""Who watches a grid hears the signals that it is meant to hear."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from launch.ablation import display
from launch.ablation.grid import Grid


class Workers:
    """Stands for processes: at work until asked to stop, or looked after three times."""

    def __init__(self, number):
        self.number, self.looks, self.stopped = number, 0, False

    @property
    def at_work(self):
        return self.looks < 3 and not self.stopped

    def look_after(self, cells):
        self.looks += 1
        if self.looks == 1:
            os.kill(os.getpid(), self.number)
        return []

    def stop(self):
        self.stopped = True

    def close(self):
        pass


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
@pytest.mark.parametrize("ignored", [False, True], ids=["heard", "under nohup"])
def test_a_signal_that_is_ignored_stays_so(monkeypatch, number, ignored):
    monkeypatch.setattr(display, "LOOKED", 0.01)
    workers: Any = Workers(number)
    before = signal.signal(number, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        assert display.watch(Grid((), [], Path()), lambda: workers) == []
        assert signal.getsignal(number) is (signal.SIG_IGN if ignored else signal.SIG_DFL)
    finally:
        signal.signal(number, before)
    assert workers.stopped != ignored
