"""The rates of a run, by a clock that is told the time."""

import time
from types import SimpleNamespace

import numpy as np
import pytest

from recog.training.clock import Clock, Utilization


@pytest.fixture
def clock(monkeypatch):
    """A clock whose time is told, and the stream that takes two seconds for each item."""
    told = SimpleNamespace(now=100.0)
    monkeypatch.setattr(time, "perf_counter", lambda: told.now)

    def items():
        while True:
            told.now += 2.0
            yield "batch"

    return Clock(Utilization(lambda batch: batch.images.shape[2], 1000.0)), told, items()


@pytest.mark.parametrize(("newest", "waited"), [(None, 2.0), (True, 2.0), (False, 0.0)])
def test_a_wait_counts_unless_the_device_has_had_work_all_the_time(clock, newest, waited):
    measured, told, stream = clock
    last_step = None if newest is None else SimpleNamespace(is_ready=lambda: newest)
    assert measured.wait_for(stream, last_step) == "batch"
    told.now += 8.0  # the step itself
    assert measured.read(30) == {"train/images_per_second": 3.0, "train/mfu": 0.0, "train/input_wait": waited / 10}
    told.now += 5.0
    since = {"train/images_per_second": 6.0, "train/mfu": 0.0, "train/input_wait": 0.0}
    assert measured.read(30) == since, "since it was last read"


def test_operations_are_counted_once_for_each_shape_and_rated_by_what_the_devices_could_do(clock):
    measured, told, _ = clock
    for width, new in [(8, True), (16, True), (8, False)]:
        assert measured.count(SimpleNamespace(images=np.zeros((1, 4, width, 1)))) == new
    assert measured.shapes == 2
    told.now += 2.0
    assert measured.read(3)["train/mfu"] == (8 + 16 + 8) / 2.0 / 1000.0
    told.now += 2.0
    assert measured.read(3)["train/mfu"] == 0.0
