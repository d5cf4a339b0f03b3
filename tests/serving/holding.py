"""A batcher that reads nothing for a while."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from recog.serving.batcher import Batcher


@contextlib.contextmanager
def held(batcher: Batcher) -> Iterator[threading.Event]:
    """Lets a batcher read only once the event is set, or the block is left: a failing test must not wait for ever."""
    go, read = threading.Event(), batcher._run

    def wait_and_read(key: Any, items: list[Any]) -> Any:
        go.wait()
        return read(key, items)

    batcher._run = wait_and_read
    try:
        yield go
    finally:
        go.set()
        batcher._run = read
