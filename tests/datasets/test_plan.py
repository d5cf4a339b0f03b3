"""The plan of batches: every sample once an epoch, the same for any number of processes."""

import collections
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets.plan import FOREVER, BatchPlan, Planned

BUCKETS = (32, 64, 128)


def plan_of(counts: tuple[int, ...], batch_size: int = 4, seed: int | None = 0, process=(0, 1)) -> BatchPlan:
    """A plan over so many samples a bucket; ids are tens, interleaved over the buckets."""
    bucket_of = np.random.default_rng(7).permutation(np.repeat(np.arange(len(counts)), counts))
    indices = 10 * np.arange(len(bucket_of))
    return BatchPlan(indices, bucket_of, BUCKETS[: len(counts)], batch_size=batch_size, seed=seed, process=process)


def own_widths(counts: tuple[int, ...]) -> dict[int, int]:
    bucket_of = np.random.default_rng(7).permutation(np.repeat(np.arange(len(counts)), counts))
    return {10 * i: BUCKETS[bucket] for i, bucket in enumerate(bucket_of)}


def epoch(plan: BatchPlan, number: int) -> list[Planned]:
    return [plan[number * plan.per_epoch + i] for i in range(plan.per_epoch)]


def samples(batches: list[Planned]) -> list[int]:
    return np.concatenate([batch.indices for batch in batches]).tolist()


COUNTS = st.tuples(*[st.integers(0, 25)] * 3).filter(any)


@given(counts=COUNTS, batch_size=st.integers(1, 9), seed=st.integers(0, 5), number=st.integers(0, 10**6))
def test_an_epoch_holds_every_sample_once_but_for_the_filling_of_one_batch(counts, batch_size, seed, number):
    plan, widths = plan_of(counts, batch_size, seed), own_widths(counts)
    batches = epoch(plan, number)
    assert len(batches) == -(-sum(counts) // batch_size)
    assert all(len(batch.indices) == batch_size for batch in batches)
    assert all(batch.width >= max(widths[i] for i in batch.indices.tolist()) for batch in batches)
    times = collections.Counter(samples(batches))
    assert times.keys() == widths.keys()
    assert times.total() - len(times) < batch_size
    if sum(counts) >= batch_size:
        assert max(times.values()) <= 2
        assert all(len(set(batch.indices.tolist())) == batch_size for batch in batches)


@given(counts=COUNTS, batch_size=st.integers(1, 9))
def test_an_evaluation_holds_every_sample_once_in_order_and_fills_up_with_minus_one(counts, batch_size):
    plan, widths = plan_of(counts, batch_size, seed=None), own_widths(counts)
    batches = [plan[i] for i in range(len(plan))]
    assert len(plan) == plan.per_epoch
    assert all(len(batch.indices) == batch_size for batch in batches)
    drawn = samples(batches)
    real = [i for i in drawn if i >= 0]
    assert drawn == real + [-1] * (len(drawn) - len(real))
    assert len(drawn) - len(real) < batch_size
    assert sorted(real) == sorted(widths)
    for width in BUCKETS:
        own = [i for i in real if widths[i] == width]
        assert own == sorted(own)


def test_only_what_is_left_of_full_batches_goes_into_a_wider_bucket():
    counts = (40, 40, 40)
    plan, widths = plan_of(counts, batch_size=16, seed=None), own_widths(counts)
    wider = [i for batch in epoch(plan, 0) for i in batch.indices.tolist() if i >= 0 and batch.width > widths[i]]
    assert len(wider) == 40 % 16


def test_a_training_plan_does_not_end():
    plan = plan_of((5, 3))
    assert len(plan) == FOREVER
    assert sorted(set(samples(epoch(plan, 10**9)))) == [10 * i for i in range(8)]


def test_the_order_changes_with_the_epoch_and_with_the_seed_and_with_nothing_else():
    orders = [samples(epoch(plan_of((40, 30), seed=seed), number)) for seed in (0, 1) for number in (0, 1, 2)]
    assert all(a != b for a, b in itertools.combinations(orders, 2))
    assert samples(epoch(plan_of((40, 30), seed=1), 2)) == orders[-1]


def test_buckets_are_mixed():
    widths = [batch.width for batch in epoch(plan_of((200, 200)), 0)]
    assert widths != sorted(widths)


def test_batches_are_the_same_in_whatever_order_they_are_asked_for():
    plan, other = plan_of((9, 9)), plan_of((9, 9))
    forward = [plan[i].indices.tolist() for i in range(40)]
    assert [other[i].indices.tolist() for i in reversed(range(40))] == forward[::-1]


@given(counts=COUNTS, share=st.integers(1, 3), parts=st.integers(1, 4), seed=st.sampled_from([None, 0, 3]))
def test_processes_load_equal_parts_that_make_up_the_batches_of_one(counts, share, parts, seed):
    size = share * parts
    whole = plan_of(counts, size, seed)
    plans = [plan_of(counts, size, seed, (part, parts)) for part in range(parts)]
    assert {len(plan) for plan in plans} == {len(whole)}
    for number in range(min(2 * whole.per_epoch, len(whole))):
        pieces = [plan[number] for plan in plans]
        assert {piece.width for piece in pieces} == {whole[number].width}
        assert {len(piece.indices) for piece in pieces} == {share}
        assert np.concatenate([piece.indices for piece in pieces]).tolist() == whole[number].indices.tolist()


def test_a_plan_travels_to_worker_processes():
    plan = plan_of((9, 9))
    before = samples(epoch(plan, 1))
    copy = pickle.loads(pickle.dumps(plan))
    assert samples(epoch(copy, 1)) == before
    assert copy.buckets == plan.buckets
    assert len(copy) == len(plan)


def test_there_are_no_batches_outside_the_plan():
    plan = plan_of((9,), seed=None)
    for index in (-1, 3, FOREVER):
        with pytest.raises(IndexError):
            plan[index]


@pytest.mark.parametrize(
    ("counts", "settings", "reason"),
    [
        ((3,), {"batch_size": 0}, "data.batch_size=0"),
        ((3,), {"batch_size": 4, "process": (0, 3)}, "data.batch_size=4 cannot be shared by 3 processes"),
        ((3,), {"seed": -1}, "seed=-1"),
        ((0,), {}, "no samples"),
    ],
)
def test_what_makes_no_plan_is_refused(counts, settings, reason):
    with pytest.raises(ValueError, match=reason):
        plan_of(counts, **settings)
