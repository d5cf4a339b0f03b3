"""Metrics of a server for Prometheus."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
"""Upper bounds of the classes of durations."""


class Metrics:
    """Counters of one server."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self.requests = Counter("recog_requests", "Requests by path and status.", ["path", "status"], registry=registry)
        self.seconds = Histogram(
            "recog_request_seconds", "Time from request to answer.", ["path"], buckets=SECONDS, registry=registry
        )
        self.pictures = Counter("recog_pictures", "Pictures that were read.", ["model"], registry=registry)
        self.errors = Counter(
            "recog_picture_errors", "Pictures that could not be read, by status.", ["status"], registry=registry
        )
        self.batches = Histogram(
            "recog_batch_size",
            "Pictures that are read together.",
            ["model"],
            buckets=(1, 2, 4, 8, 16, 32, 64),
            registry=registry,
        )
        self._queue = Gauge("recog_queue_length", "Pictures that wait for a model.", ["model"], registry=registry)
        self._in_flight = Gauge("recog_requests_in_flight", "Requests that are being answered.", registry=registry)

    def watch_queue(self, model: str, length: Callable[[], int]) -> None:
        """Reports what ``length`` returns as the number of pictures that wait for a model."""
        self._queue.labels(model).set_function(length)

    def watch_requests(self, count: Callable[[], int]) -> None:
        """Reports what ``count`` returns as the number of requests that are being answered."""
        self._in_flight.set_function(count)

    def text(self) -> bytes:
        """All metrics in the text format of Prometheus."""
        return generate_latest(self._registry)
