"""State of a server between its start and its end."""

import threading

from recog.serving.refusals import BusyError

STARTING, READY, DRAINING = "starting", "ready", "draining"


class Lifecycle:
    """Whether requests are taken, and how many are being answered.

    Args:
      most: maximum number of requests that are answered at the same time.
    """

    def __init__(self, most: int):
        self._most = most
        self._lock = threading.Lock()
        self.state = STARTING
        self.in_flight = 0

    def ready(self) -> bool:
        """Takes requests from now on, unless the server is about to end; returns whether it does."""
        with self._lock:
            if self.state == STARTING:
                self.state = READY
            return self.state == READY

    def drain(self) -> None:
        """Takes no requests any more; those that were taken are answered."""
        with self._lock:
            self.state = DRAINING

    def enter(self) -> None:
        """Takes a request, which must `leave`.

        Raises:
          BusyError: not ready yet, about to end, or as many requests as possible are being answered.
        """
        with self._lock:
            if self.state == STARTING:
                raise BusyError("the models are being prepared: try again", retry_after=5)
            if self.state == DRAINING:
                raise BusyError("the server is about to end: try another one", retry_after=5)
            if self.in_flight >= self._most:
                raise BusyError(f"{self.in_flight} requests are being answered already: try again", retry_after=1)
            self.in_flight += 1

    def leave(self) -> None:
        """Ends a request."""
        with self._lock:
            self.in_flight -= 1
