"""What a cache keeps, and what it does not."""

import pickle

import numpy as np

from datasets.cache import Cache, Loaded


def loaded(columns: int) -> Loaded:
    return Loaded(np.zeros((10, columns, 1), np.uint8), np.zeros(5, np.int32))


def test_it_keeps_what_fits():
    cache = Cache(1000)
    first, small = loaded(50), loaded(30)
    cache.put(7, first)  # 520 bytes
    cache.put(8, loaded(60))  # 620
    cache.put(9, small)  # 320
    assert cache.get(7) is first
    assert cache.get(8) is None
    assert cache.get(9) is small
    cache.put(10, loaded(20))  # 220, and 160 are left
    assert cache.get(10) is None


def test_a_copy_for_another_process_starts_empty():
    cache = Cache(1000)
    cache.put(7, loaded(50))
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get(7) is None
    assert copy.capacity == 1000
    copy.put(7, loaded(90))
    assert copy.get(7) is not None
