"""Speed of a run, and the time that it waits for data."""

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import jax

from recog.batch import Batch


class Utilization(NamedTuple):
    """Figures from which the utilization of the devices is computed."""

    flops: Callable[[Batch], int]
    """Returns the operations of a step with batches of this shape."""
    peak: float
    """Peak operations per second of all devices together."""


class Clock:
    """Images per second, model FLOP utilisation and share of time waiting for data since the last `read`."""

    def __init__(self, utilization: Utilization):
        self._utilization = utilization
        self._flops_of: dict[tuple[int, ...], int] = {}
        self.restart()

    @property
    def shapes(self) -> int:
        """Number of different batch shapes so far; a program is compiled for each."""
        return len(self._flops_of)

    def restart(self) -> None:
        """Discards the measurements so far, so that the time until now does not count."""
        self._start, self._waited, self._flops = time.perf_counter(), 0.0, 0

    def wait_for(self, stream: Iterator[Batch], newest: jax.Array | None) -> Batch:
        """Draws the next batch; the wait counts if ``newest``, from the last dispatched step, is ready by then."""
        before = time.perf_counter()
        item = next(stream)
        # Otherwise the device has been busy all the time. The stubs of jax.Array lack is_ready.
        if newest is None or newest.is_ready():  # pyright: ignore[reportAttributeAccessIssue]
            self._waited += time.perf_counter() - before
        return item

    def count(self, batch: Batch) -> bool:
        """Counts the operations of a step with this batch; returns whether its shape is new."""
        shape = batch.images.shape
        new = shape not in self._flops_of
        if new:
            self._flops_of[shape] = self._utilization.flops(batch)
        self._flops += self._flops_of[shape]
        return new

    def read(self, images: float) -> dict[str, float]:
        """Rates since the last call, by the names under which they are logged."""
        elapsed = time.perf_counter() - self._start
        rates = {
            "train/images_per_second": images / elapsed,
            "train/mfu": self._flops / elapsed / self._utilization.peak,
            "train/input_wait": self._waited / elapsed,
        }
        self.restart()
        return rates
