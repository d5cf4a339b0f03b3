"""The process that watches a grid passes on the signals that ask it to stop."""

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

    def look_after(self):
        self.looks += 1
        if self.looks == 1:
            os.kill(os.getpid(), self.number)
        return []

    def stop(self):
        self.stopped = True

    def close(self):
        pass


@pytest.mark.parametrize(
    ("number", "start", "heard"),
    [
        (signal.SIGHUP, signal.SIG_DFL, True),
        (signal.SIGHUP, signal.SIG_IGN, False),
        (signal.SIGTERM, signal.SIG_DFL, True),
        (signal.SIGINT, signal.SIG_IGN, True),
    ],
    ids=["closed terminal", "under nohup", "asked to end", "in the background of a script"],
)
def test_a_grid_stops_when_it_is_asked(monkeypatch, number, start, heard):
    monkeypatch.setattr(display, "LOOKED", 0.01)
    workers: Any = Workers(number)
    before = signal.signal(number, start)
    try:
        assert display.watch(Grid((), [], Path()), lambda: workers) == []
        assert signal.getsignal(number) is start
    finally:
        signal.signal(number, before)
    assert workers.stopped == heard
