"""How fast a run goes, and what holds it up."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax

from recog.batch import Batch


class Utilization(NamedTuple):
    """What it takes to tell how well a run uses its devices."""

    flops: Callable[[Batch], int]
    """Operations of a step with batches of this shape."""
    peak: float
    """Operations a second that all devices could do."""


class Clock:
    """Images per second, model FLOP utilisation and the share of time waited for data, since it was last read."""

    def __init__(self, utilization: Utilization):
        self._utilization = utilization
        self._flops_of: dict[tuple[int, ...], int] = {}
        self.restart()

    @property
    def shapes(self) -> int:
        """Different shapes of batches that were met; a program is compiled for each."""
        return len(self._flops_of)

    def restart(self) -> None:
        """Forgets what was, of time that is not to count."""
        self._start, self._waited, self._flops = time.perf_counter(), 0.0, 0

    def wait_for(self, stream: Iterator[Batch], newest: jax.Array | None) -> Batch:
        """The next batch; the wait counts where ``newest``, of the last step dispatched, was ready before its end."""
        before = time.perf_counter()
        item = next(stream)
        # Else the device has had work all the time. The stubs of jax.Array lack what its arrays have.
        if newest is None or newest.is_ready():  # pyright: ignore[reportAttributeAccessIssue]
            self._waited += time.perf_counter() - before
        return item

    def count(self, batch: Batch) -> bool:
        """Counts the operations of a step with this batch; whether it is the first of its shape."""
        shape = batch.images.shape
        new = shape not in self._flops_of
        if new:
            self._flops_of[shape] = self._utilization.flops(batch)
        self._flops += self._flops_of[shape]
        return new

    def read(self, images: float) -> dict[str, float]:
        """The rates by the names under which they are logged."""
        elapsed = time.perf_counter() - self._start
        rates = {
            "train/images_per_second": images / elapsed,
            "train/mfu": self._flops / elapsed / self._utilization.peak,
            "train/input_wait": self._waited / elapsed,
        }
        self.restart()
        return rates
