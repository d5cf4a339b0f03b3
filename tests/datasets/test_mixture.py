"""Mixing sources: shares that hold over every run of samples, epochs that leave nothing out, batches and preflight."""

import functools
import pickle
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.holdout import split_holdout
from datasets.mixture import Mixture, split_mixture, take_turns, whole_ratios
from datasets.pipeline import DataConfig, make_stream
from datasets.preflight import preflight
from datasets.sources import Folder, Keyed, RenderedSource, Sample, Stored, Subset
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig
from recog.alphabet import ARITHMETIC
from tests.batches import text_needs

COUNTS = st.lists(st.integers(1, 60), min_size=1, max_size=6)


class Numbers:
    """Samples that are their own numbers."""

    def __init__(self, name: str, count: int):
        self.name, self.count = name, count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        assert 0 <= index < self.count
        return Sample(b"", f"{self.name}{index}", self.origin(index))

    def origin(self, index: int) -> str:
        return f"{self.name} {index}"


def mixture(counts: list[int], weights: list[float]) -> Mixture:
    return Mixture([Numbers("abcdef"[part], count) for part, count in enumerate(counts)], weights)


def drawn(source: Mixture) -> list[str]:
    return [source[index].label for index in range(len(source))]


def test_two_sources_take_turns_and_the_smaller_starts_again():
    source = mixture([5, 2], [0.7, 0.3])
    assert drawn(source) == ["a0", "b0", "a1", "a2", "a3", "b1", "a4"]
    assert source.origin(3) == source[3].origin == "a 2"
    assert source.locate(5) == (1, 1)
    assert drawn(mixture([5, 1], [1, 1])) == ["a0", "b0", "a1", "b0", "a2", "b0", "a3", "b0", "a4"]


@given(counts=COUNTS)
def test_among_the_first_n_samples_each_source_is_within_one_of_its_share(counts):
    turns, period = take_turns(counts), sum(counts)
    share = np.array([Fraction(count, period) for count in counts])
    off = np.cumsum(np.eye(len(counts), dtype=int)[turns], axis=0) - np.arange(1, period + 1)[:, None] * share
    bound = 1 - Fraction(1, max(2, 2 * len(counts) - 2))
    assert np.bincount(turns, minlength=len(counts)).tolist() == counts
    assert abs(off).max() <= bound
    assert (off.max(0) - off.min(0)).max() <= 2 * bound  # any run of samples is the difference of two such counts


@given(a=st.integers(1, 60), b=st.integers(1, 60), start=st.integers(0, 100), length=st.integers(1, 100))
def test_any_run_of_samples_of_two_sources_is_within_one_of_the_shares(a, b, start, length):
    source = mixture([300, 300], [a, b])
    first = sum(source.locate(index)[0] == 0 for index in range(start, start + length))
    assert abs(first - Fraction(length * a, a + b)) < 1


# The epoch and its order against a plain walk: every source goes through its samples until all have been seen.
@settings(max_examples=50)
@given(sizes=COUNTS, data=st.data())
def test_an_epoch_is_the_shortest_run_that_holds_everything(sizes, data):
    weights = data.draw(st.lists(st.integers(1, 9), min_size=len(sizes), max_size=len(sizes)))
    source = mixture(sizes, weights)
    expected, taken, turns = [], Counter(), take_turns(source.counts)
    left = {(part, index) for part, size in enumerate(sizes) for index in range(size)}
    while left:
        part = int(turns[len(expected) % len(turns)])
        expected.append((part, taken[part] % sizes[part]))
        taken[part] += 1
        left.discard(expected[-1])
    assert [source.locate(index) for index in range(len(source))] == expected
    for part, size in enumerate(sizes):
        places = source.places(part).tolist()
        assert [source.locate(place) for place in places] == [(part, j % size) for j in range(len(places))]
    assert sorted(place for part in range(len(sizes)) for place in source.places(part)) == list(range(len(source)))


def test_there_are_no_samples_outside_the_epoch():
    source = mixture([2, 1], [0.5, 0.5])
    for index in (-1, len(source)):
        with pytest.raises(IndexError, match=f"sample {index} of 3"):
            source[index]


@pytest.mark.parametrize(
    ("weights", "counts"),
    [
        ([0.7, 0.3], [7, 3]),
        ([7, 3.0], [7, 3]),
        ([0.1, 0.2, 0.7], [1, 2, 7]),
        ([Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)], [1, 1, 1]),
        ([np.float64(0.25), np.float32(0.5)], [1, 2]),
        ([1e-4, 1], [1, 10_000]),
        ([5], [1]),
    ],
)
def test_weights_are_ratios_of_whole_numbers(weights, counts):
    assert whole_ratios(weights, len(weights)) == counts


def test_a_mixture_of_one_source_is_that_source():
    assert drawn(mixture([3], [0.5])) == ["a0", "a1", "a2"]


def test_mixtures_can_be_mixed():
    source = Mixture([mixture([2, 2], [1, 1]), Numbers("c", 1)], [2, 1])
    assert drawn(source) == ["a0", "c0", "b0", "a1", "c0", "b1"]


@pytest.mark.parametrize(
    ("counts", "weights", "reason"),
    [
        ([], [], "one weight .* 0 for 0"),
        ([1, 1], [1], "one weight .* 1 for 2"),
        ([1, 1], [1, 0], "weights 1, 0 must be positive"),
        ([1, 1], [1, -0.5], "must be positive"),
        ([1, 1], [1, float("nan")], "must be positive"),
        ([1, 1], [1, float("inf")], "must be positive"),
        ([1, 1], [0.123456, 0.876543], "weights 0.123456, 0.876543 .*41152:292181"),
        ([1, 0], [1, 1], "source 1 of the mixture is empty"),
        ([2**27, 1], [1, 1], "268435455 samples, more than 134217728"),
    ],
)
def test_what_makes_no_mixture_is_refused(counts, weights, reason):
    with pytest.raises(ValueError, match=reason):
        mixture(counts, weights)


def test_a_huge_mixture_costs_nothing_until_it_is_read():
    source = mixture([2**26, 3], [0.9, 0.1])
    assert len(source) == 74_565_404  # the 67,108,864th turn of the first source
    assert source[len(source) - 1].label == f"a{2**26 - 1}"
    assert source.locate(len(source) - 2)[1] in (2**26 - 2, *range(3))


def test_a_mixture_travels_to_worker_processes():
    source = mixture([5, 2], [0.7, 0.3])
    assert drawn(pickle.loads(pickle.dumps(source))) == drawn(source)


@pytest.fixture
def folder(make_folder) -> Folder:
    return make_folder([(np.full((32, width, 3), width, np.uint8), "1+2") for width in (20, 40, 60)])


@pytest.mark.parametrize("workers", [0, 1])
def test_batches_of_an_epoch_hold_the_mixture_and_all_widths(folder, workers):
    rendered = Arithmetic(ArithmeticConfig(count=14, seed=3))
    source = Mixture([rendered, folder], [0.7, 0.3])
    config = DataConfig(batch_size=4, max_label_length=16, workers=workers)
    needs = text_needs(ARITHMETIC, max_length=16)
    checked = preflight(source, needs, on_bad_sample="raise")
    stream, plan = make_stream(source, checked, needs.codec, config, seed=None)
    seen: list[tuple[int, int]] = []
    for batch in stream:
        real = np.asarray(batch.mask)
        seen += zip(np.asarray(batch.ids)[real].tolist(), np.asarray(batch.widths)[real].tolist(), strict=True)
    assert plan.per_epoch == -(-len(source) // 4)
    assert sorted(seen) == list(zip(range(len(source)), checked.widths.tolist(), strict=True))
    expected = {0: lambda own: 96, 1: lambda own: (20, 40, 60)[own]}
    for index, width in seen:
        part, own = source.locate(index)
        assert width == expected[part](own)


third = functools.partial(split_holdout, share=0.34)


def test_samples_are_held_out_of_the_one_part_that_has_names(folder):
    source = Mixture([Numbers("a", 9), folder], [0.75, 0.25])
    training, held = split_mixture(source, third)
    assert not isinstance(source, Keyed | RenderedSource)
    assert training.counts == source.counts
    assert training.sources[0] is source.sources[0]
    kept = training.sources[1]
    assert isinstance(kept, Subset)
    assert isinstance(held, Subset)
    assert sorted([*kept.indices, *held.indices]) == [0, 1, 2]
    assert held[0].origin == folder.origin(held.indices[0])


def test_nothing_is_held_out_of_renderings_that_are_stored(folder):
    class StoredNumbers(Numbers):
        rendered = True

        def key(self, index):
            return f"{index}".encode()

    source = Mixture([StoredNumbers("a", 9), folder], [0.75, 0.25])
    assert isinstance(source.sources[0], Stored)
    training, held = split_mixture(source, third)
    assert training.sources[0] is source.sources[0]
    assert isinstance(held, Subset)
    assert held[0].origin == folder.origin(held.indices[0])


def test_samples_are_held_out_of_every_part_that_has_names(folder, tmp_path):
    (tmp_path / "labels.tsv").write_text("".join(f"{number}.png\t{number}\n" for number in range(12)))
    for number in range(12):
        (tmp_path / f"{number}.png").write_bytes(b"%d" % number)
    more = Folder(tmp_path)
    source = Mixture([Numbers("a", 9), folder, more], [2, 1, 1])
    training, held = split_mixture(source, third)
    assert training.counts == source.counts
    assert training.sources[0] is source.sources[0]
    halves = [third(folder), third(more)]
    for part, (kept, _) in zip(training.sources[1:], halves, strict=True):
        assert isinstance(part, Subset)
        assert part.indices.tolist() == kept.indices.tolist()
    expected = [half[index] for _, half in halves for index in range(len(half))]
    assert [held[index] for index in range(len(held))] == expected
    assert [held.origin(index) for index in range(len(held))] == [sample.origin for sample in expected]
    assert held.key(1) == halves[1][1].key(0)
    for index in (-1, len(held)):
        with pytest.raises(IndexError, match=f"sample {index} of {len(held)}"):
            held[index]


def test_a_mixture_of_renderings_has_nothing_to_hold_out():
    with pytest.raises(ValueError, match=r"data\.holdout .* all parts .* rendered: name .*data\.validation"):
        split_mixture(Mixture([Numbers("a", 9), Numbers("b", 5)], [1, 1]), third)
