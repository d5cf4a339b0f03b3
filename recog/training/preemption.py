"""SIGTERM and Ctrl-C ask a run to stop; it saves a checkpoint and ends. Asking one of its processes asks all."""

import os
import signal

import jax
from jax.experimental import multihost_utils


class StopRequest:
    """While entered, SIGTERM and SIGINT ask the run to stop instead of ending the process; a second one ends it.

    Of a run of several processes, jax itself listens for SIGTERM and finds the step at which all can stop; of these, a
    second SIGINT ends the process, a second SIGTERM does nothing.
    """

    def __init__(self):
        self.requested = False
        """Whether the run was asked to stop."""
        self._before = {}

    def reached(self, step: int) -> bool:
        """Whether to stop after this step; every process asks at each of its steps."""
        if jax.process_count() > 1:
            self.requested = multihost_utils.reached_preemption_sync_point(step)
        return self.requested

    def __enter__(self) -> "StopRequest":
        if jax.process_count() > 1:
            self._before[signal.SIGINT] = signal.signal(signal.SIGINT, self._pass_on)
        else:
            for number in (signal.SIGTERM, signal.SIGINT):
                self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame) -> None:
        self.requested = True
        signal.signal(number, self._before[number])

    def _pass_on(self, number: int, frame) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        signal.signal(number, self._before[number])
