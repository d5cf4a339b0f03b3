"""SIGTERM asks once, and ends the second time."""

import os
import signal

import pytest

from recog.training.preemption import StopRequest


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_first_signal_only_asks(number):
    before = signal.getsignal(number)
    with StopRequest() as stop:
        assert not stop.requested
        os.kill(os.getpid(), number)
        assert stop.requested
        assert signal.getsignal(number) == before, "a second signal must do what it did before"
    assert signal.getsignal(number) == before
