"""A batcher that reads nothing for a while."""

import contextlib
import threading
from collections.abc import Iterator

from recog.serving.batcher import Batcher


@contextlib.contextmanager
def held(batcher: Batcher) -> Iterator[threading.Event]:
    """Lets a batcher read only once the event is set, or the block is left: a failing test must not wait for ever."""
    go, read = threading.Event(), batcher._run
    batcher._run = lambda key, items: go.wait() and read(key, items)
    try:
        yield go
    finally:
        go.set()
        batcher._run = read
