"""Batches of whatever waits when a model is free."""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from typing import Generic, NamedTuple, TypeVar

from recog.serving.refusals import BusyError

Key = TypeVar("Key", bound=Hashable)
In = TypeVar("In")
Out = TypeVar("Out")


class _Waiting(NamedTuple, Generic[Key, In, Out]):
    """An item that waits."""

    key: Key
    item: In
    future: "Future[Out]"


class Batcher(Generic[Key, In, Out]):
    """A queue and a thread that takes all that waits for the same way of reading, and reads it together.

    Nothing waits for a batch to fill: while one batch is read, the next one gathers.

    Args:
      run: reads items, all with the same key; returns an output for each.
      most: maximum number of items that are read together.
      room: maximum number of items that wait.
      seen: called with the number of items of each batch before it is read.
    """

    def __init__(
        self,
        run: Callable[[Key, list[In]], Sequence[Out]],
        most: int,
        room: int,
        seen: Callable[[int], None] = lambda count: None,
    ):
        self._run, self._most, self._room, self._seen = run, most, room, seen
        self._waiting: deque[_Waiting[Key, In, Out]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._work, name="batcher", daemon=True)
        self._thread.start()

    def submit(self, key: Key, items: Sequence[In]) -> "list[Future[Out]]":
        """Queues items, all of them or none.

        Items whose future is cancelled before their turn are not read, and make room for those that come.

        Raises:
          BusyError: there is no room for all of them, or the batcher is closed.
        """
        futures: list[Future[Out]] = [Future() for _ in items]
        with self._changed:
            self._waiting = deque(each for each in self._waiting if not each.future.cancelled())
            if self._closed or len(self._waiting) + len(items) > self._room:
                raise BusyError(f"{len(self._waiting)} pictures wait already: try again", retry_after=1)
            self._waiting.extend(_Waiting(key, *each) for each in zip(items, futures, strict=True))
            self._changed.notify()
        return futures

    @property
    def waiting(self) -> int:
        """Number of items that wait."""
        return len(self._waiting)

    def close(self) -> None:
        """Reads what waits, and ends the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _work(self) -> None:
        while batch := self._take():
            chosen = [each for each in batch if each.future.set_running_or_notify_cancel()]
            if not chosen:
                continue
            self._seen(len(chosen))
            try:
                found = self._run(chosen[0].key, [each.item for each in chosen])
                for each, output in zip(chosen, found, strict=True):
                    each.future.set_result(output)
            except Exception as error:
                for each in chosen:
                    if not each.future.done():
                        each.future.set_exception(error)

    def _take(self) -> list[_Waiting[Key, In, Out]]:
        """Waits for items with the key of the first, in order; none once the batcher is closed and the queue empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._closed)
            taken, left = [], deque()
            for each in self._waiting:
                together = len(taken) < self._most and (not taken or each.key == taken[0].key)
                (taken if together else left).append(each)
            self._waiting = left
            return taken
