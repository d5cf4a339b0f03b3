"""Stopping runs by SIGTERM or Ctrl-C with a checkpoint; a signal to one process stops all of them."""

import os
import signal

import jax
from jax.experimental import multihost_utils


class StopRequest:
    """Context in which SIGTERM and SIGINT request a stop instead of ending the process; a second signal ends it.

    In runs of several processes, JAX handles SIGTERM and determines the step at which all can stop. There, a second
    SIGINT ends the process, and a second SIGTERM has no effect.
    """

    def __init__(self):
        self.requested = False
        """Whether a stop has been requested."""
        self._before = {}

    def reached(self, step: int) -> bool:
        """Whether to stop after this step; every process must call it at every step."""
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
