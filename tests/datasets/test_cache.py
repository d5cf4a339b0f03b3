"""What a cache keeps, and what it does not."""

import pickle

import numpy as np
import pytest

from datasets.cache import Cache, Loaded
from datasets.mixture import Mixture
from datasets.sources import Folder
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig


@pytest.fixture
def folder(make_folder):
    return make_folder([(b"", str(number)) for number in range(20)])


def loaded(columns: int) -> Loaded:
    return Loaded(np.zeros((10, columns, 1), np.uint8), np.zeros(5, np.int32))


def test_it_keeps_what_fits(folder):
    cache = Cache(folder, 1000)
    first, small = loaded(50), loaded(30)
    cache.put(7, first)  # 520 bytes
    cache.put(8, loaded(60))  # 620
    cache.put(9, small)  # 320
    assert cache.get(7) is first
    assert cache.get(8) is None
    assert cache.get(9) is small
    cache.put(10, loaded(20))  # 220, and 160 are left
    assert cache.get(10) is None


def test_a_copy_for_another_process_starts_empty(folder):
    cache = Cache(folder, 1000)
    cache.put(7, loaded(50))
    copy = pickle.loads(pickle.dumps(cache))
    assert copy.get(7) is None
    copy.put(7, loaded(90))
    copy.put(8, loaded(90))
    assert copy.get(7) is not None
    assert copy.get(8) is None


def test_drawn_samples_are_not_kept():
    cache = Cache(Arithmetic(ArithmeticConfig(count=5)), 1000)
    cache.put(2, loaded(10))
    assert cache.get(2) is None


def test_a_sample_of_a_mixture_is_found_at_each_of_its_turns(folder):
    assert isinstance(folder, Folder)
    mixture = Mixture([Arithmetic(ArithmeticConfig(count=100)), folder], [0.5, 0.5])
    cache, sample = Cache(mixture, 1000), loaded(10)
    drawn, files = mixture.places(0).tolist(), mixture.places(1).tolist()
    cache.put(files[3], sample)
    cache.put(drawn[3], loaded(10))
    assert cache.get(files[23]) is sample
    assert cache.get(files[4]) is cache.get(drawn[3]) is None


def test_mixtures_of_mixtures_are_looked_through(folder):
    inner = Mixture([Arithmetic(ArithmeticConfig(count=100)), folder], [0.5, 0.5])
    outer = Mixture([inner, Arithmetic(ArithmeticConfig(count=50))], [0.5, 0.5])
    cache, sample = Cache(outer, 1000), loaded(10)
    of_inner = outer.places(0)
    drawn, files = of_inner[inner.places(0)].tolist(), of_inner[inner.places(1)].tolist()
    cache.put(files[3], sample)
    cache.put(drawn[3], loaded(10))
    assert cache.get(files[23]) is sample
    assert cache.get(drawn[3]) is None
