"""What waits is read together, in order, and every future ends."""

import threading

import pytest

from recog.serving.batcher import Batcher
from recog.serving.refusals import BusyError


class Held:
    """Doubles numbers, one batch at a time, each when it is let go."""

    def __init__(self):
        self.batches = []
        self.started, self.go = threading.Semaphore(0), threading.Semaphore(0)

    def __call__(self, key, items):
        self.batches.append((key, items))
        self.started.release()
        self.go.acquire(timeout=60)
        if "bad" in items:
            raise RuntimeError("bad")
        return [2 * item for item in items]


@pytest.fixture
def held():
    return Held()


@pytest.fixture
def batcher(held):
    batcher = Batcher(held, most=3, room=6)
    yield batcher
    held.go.release(100)
    batcher.close()


def test_all_that_waits_is_read_together_up_to_the_most_and_by_key(held, batcher):
    futures = batcher.submit("a", [1])
    assert held.started.acquire(timeout=60)  # 1 is being read, the others wait
    for key, items in (("a", [2, 3]), ("b", [4]), ("a", [5, 6])):
        futures += batcher.submit(key, items)
    held.go.release(100)
    assert [future.result(timeout=60) for future in futures] == [2, 4, 6, 8, 10, 12]
    assert held.batches == [("a", [1]), ("a", [2, 3, 5]), ("b", [4]), ("a", [6])]


def test_a_full_queue_takes_all_of_a_request_or_nothing(held, batcher):
    batcher.submit("a", [1])
    assert held.started.acquire(timeout=60)
    waiting = batcher.submit("a", [1, 2, 3, 4])
    with pytest.raises(BusyError, match="4 pictures wait"):
        batcher.submit("a", [5, 6, 7])
    assert batcher.waiting == 4
    waiting += batcher.submit("a", [5, 6])
    waiting.pop(0).cancel()  # makes room
    waiting += batcher.submit("a", [7])
    assert batcher.waiting == 6
    held.go.release(100)
    assert [future.result(timeout=60) for future in waiting] == [4, 6, 8, 10, 12, 14]


def test_cancelled_items_are_not_read(held, batcher):
    first = batcher.submit("a", [1])
    assert held.started.acquire(timeout=60)
    second, third = batcher.submit("a", [2, 3])
    assert second.cancel()
    held.go.release(100)
    assert (first[0].result(timeout=60), third.result(timeout=60)) == (2, 6)
    assert held.batches == [("a", [1]), ("a", [3])]


def test_an_error_reaches_its_batch_alone(held, batcher):
    held.go.release(100)
    (bad,) = batcher.submit("a", ["bad"])
    with pytest.raises(RuntimeError, match="bad"):
        bad.result(timeout=60)
    assert batcher.submit("a", [4])[0].result(timeout=60) == 8


def test_closing_reads_what_waits_and_takes_no_more():
    batcher = Batcher(lambda key, items: items, most=2, room=100)
    futures = batcher.submit("a", list(range(50)))
    batcher.close()
    assert [future.result(timeout=0) for future in futures] == list(range(50))
    with pytest.raises(BusyError):
        batcher.submit("a", [1])
