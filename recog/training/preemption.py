"""SIGTERM and Ctrl-C ask a run to stop; it saves a checkpoint and ends."""

import signal


class StopRequest:
    """While entered, SIGTERM and SIGINT set `requested` instead of ending the process; a second one ends it."""

    def __init__(self):
        self.requested = False
        self._before = {}

    def __enter__(self) -> "StopRequest":
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._note)
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _note(self, number: int, frame) -> None:
        self.requested = True
        signal.signal(number, self._before[number])
