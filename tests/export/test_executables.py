"""Each shape is compiled once, by one thread, and few executables are kept."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.export.executables import Executables


class Traced:
    """Sums numbers; remembers the shapes that it was traced with."""

    def __init__(self):
        self.shapes = []
        self.lock = threading.Lock()

    def __call__(self, numbers, factor=1):
        with self.lock:
            self.shapes.append((numbers.shape, factor))
        return factor * jnp.sum(numbers)


def ones(size: int) -> np.ndarray:
    return np.ones(size, np.float32)


def test_few_are_kept_and_the_one_used_longest_ago_is_given_up():
    traced = Traced()
    sums = Executables(traced, kept=3)
    for size in (1, 2, 3, 1, 4, 5, 1, 2):  # 4 replaces 2, 5 replaces 3, 2 replaces 4
        assert sums(ones(size)) == size
        assert sums.count <= 3
    assert [size for ((size,), _) in traced.shapes] == [1, 2, 3, 4, 5, 2]


def live_executables() -> int:
    gc.collect()
    return len(jax.devices()[0].client.live_executables())


def test_jax_keeps_nothing_of_what_is_given_up():
    sums = Executables(Traced(), kept=2)
    sums(ones(1)).block_until_ready()
    before = live_executables()
    for size in range(2, 12):
        sums(ones(size)).block_until_ready()
    assert live_executables() == before + 1


def test_threads_share_what_one_of_them_compiles():
    traced = Traced()
    sums = Executables(traced)
    sizes = [1, 2, 3, 4] * 8
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda size: float(sums(ones(size))), sizes)) == sizes
    assert sorted(size for ((size,), _) in traced.shapes) == [1, 2, 3, 4]


def test_constants_are_part_of_the_program():
    traced = Traced()
    sums = Executables(traced)
    assert [float(sums(ones(2), factor=factor)) for factor in (3, 5, 3)] == [6, 10, 6]
    assert traced.shapes == [((2,), 3), ((2,), 5)]


def test_a_failure_is_raised_and_tried_again():
    answers = iter([ValueError("not this time"), None])

    def function(numbers):
        if error := next(answers):
            raise error
        return numbers

    identity = Executables(function)
    with pytest.raises(ValueError, match="not this time"):
        identity(ones(2))
    assert identity.count == 0
    assert identity(ones(2)).tolist() == [1, 1]
