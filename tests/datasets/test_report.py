"""What a report says of a set, against counts by hand, the preflight, and the standard library."""

import collections
import dataclasses
import json
import re
import statistics
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasets import duplicates, report
from datasets.buckets import choose_buckets
from datasets.confusion import LookAlikes
from datasets.duplicates import Named, repeated
from datasets.mixture import Mixture
from datasets.pipeline import DataConfig
from datasets.preflight import preflight
from datasets.report import make_report, median
from datasets.sources import Sample
from datasets.synthetic.arithmetic import Arithmetic, ArithmeticConfig
from recog.alphabet import DIGITS, Alphabet
from tests.batches import text_needs
from tests.datasets.conftest import png

RNG = np.random.default_rng(0)
CONFIG = DataConfig(height=32, channels=3)
NEEDS = text_needs(DIGITS, max_width=128, max_length=8, frames=lambda width: width // 4 + 1)


def noise(height: int = 16, width: int = 40) -> np.ndarray:
    return RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)


class Drawn:
    """A rendered source that counts what it draws."""

    size = (16, 40)

    def __init__(self, count: int):
        self.count = count
        self.drawn: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        self.drawn.append(index)
        return Sample(np.full((16, 40, 3), index % 256, np.uint8), str(index), self.origin(index))

    def origin(self, index: int) -> str:
        return f"drawn {index}"


def test_labels_tokens_and_widths_are_counted(make_folder):
    source = make_folder([(noise(), "皖A1"), (noise(), "皖"), (noise(32, 33), "A A"), (noise(8, 8), "")])
    found = make_report(source, CONFIG)
    assert (found.samples, found.seen, found.usable) == (4, 4, 3)
    assert found.label_lengths == {0: 1, 1: 1, 3: 2}
    assert list(found.tokens.items()) == [("A", 3), ("皖", 2), (" ", 1), ("1", 1)]
    assert found.widths == {32: 1, 33: 1, 80: 2}
    assert found.buckets == choose_buckets(np.array([32, 33, 80, 80]))
    assert found.problems == dict.fromkeys(report.PROBLEMS, 0) | {"empty_label": 1}
    assert found.examples == {"empty_label": [Named(source.origin(3), "the label is empty")]}
    assert found.outside == found.unseen == ()


def test_the_alphabet_of_a_model_cuts_texts_into_tokens_and_has_some_that_never_occur(make_folder):
    source = make_folder([(noise(), "C4 D4"), (noise(), "C4 H9")])
    alphabet = Alphabet(["D4", "C4", "E4"], separator=" ")
    needs = text_needs(alphabet, max_width=128, max_length=8, frames=lambda width: width // 4 + 1)
    found = make_report(source, CONFIG, needs)
    assert found.label_lengths == {2: 2}
    assert found.tokens == {"C4": 2, "D4": 1, "H9": 1}
    assert found.outside == ("H9",)
    assert found.unseen == ("E4",)
    ((where, reason),) = found.examples.pop("out_of_alphabet")
    assert where == source.origin(1)
    assert "text 'C4 H9' holds 'H9' at position 1" in reason
    assert not found.examples


BAD = {
    "unreadable": [(None, "1"), (b"", "1"), (b"no picture", "1"), (png(noise())[:200], "1")],
    "empty_label": [(noise(), "")],
    "label_too_long": [(noise(), "123456789")],
    "out_of_alphabet": [(noise(), "12a4"), (noise(), " 1")],
    "infeasible": [(noise(32, 12), "12345"), (noise(32, 12), "1122"), (noise(), "1" * 8 + "2" * 8)],
    "too_wide": [(noise(16, 65), "1"), (noise(1, 200), "1")],
}
GOOD = [(noise(), "407"), (noise(32, 12), "1234"), (noise(32, 12), "112"), (noise(32, 128), "12345678")]


@pytest.mark.parametrize("kind", BAD)
def test_each_problem_is_counted_and_its_samples_named(make_folder, kind):
    source = make_folder([*GOOD, *BAD[kind]])
    found = make_report(source, CONFIG, NEEDS)
    assert found.problems[kind] == len(BAD[kind])
    assert found.usable == len(GOOD)
    assert [n.origin for n in found.examples[kind]] == [source.origin(i) for i in range(len(GOOD), len(source))]


@pytest.mark.parametrize(
    "needs",
    [NEEDS, text_needs(DIGITS, max_width=128, max_length=8), dataclasses.replace(NEEDS, max_width=None)],
)
def test_what_cannot_be_used_is_what_the_preflight_refuses(make_folder, needs):
    source = make_folder([*GOOD, *(sample for samples in BAD.values() for sample in samples), *GOOD])
    found = make_report(source, CONFIG, needs)
    checked = preflight(source, needs, on_bad_sample="skip")
    named = {named.origin for kind in report.PROBLEMS for named in found.examples.get(kind, [])}
    assert found.remarks == checked.remarks.counts
    assert named == {problem.origin for problem in checked.problems}
    assert found.usable == len(checked.indices)


def test_a_sample_with_two_problems_counts_in_both_and_is_one_that_cannot_be_used(make_folder):
    found = make_report(make_folder([(noise(32, 12), "a12345678"), GOOD[0]]), CONFIG, NEEDS)
    assert {kind for kind, count in found.problems.items() if count} == {
        "label_too_long",
        "out_of_alphabet",
        "infeasible",
    }
    assert found.usable == 1


def test_pictures_stretched_to_one_width_have_its_frames_and_no_buckets(make_folder):
    source = make_folder([(noise(32, 12), "12345"), (noise(32, 300), "12345")])
    config = DataConfig(height=32, width=20, channels=3)
    needs = dataclasses.replace(NEEDS, preprocess=config.preprocess)
    found = make_report(source, config, needs)
    assert found.usable == 2
    assert found.widths == {12: 1, 300: 1}
    assert found.buckets == ()
    assert found.too_narrow == {1: 0, 2: 0, 4: 0, 8: 2, 16: 2}


def test_labels_that_are_too_long_for_a_stride(make_folder):
    found = make_report(make_folder([(noise(32, 32), "1234"), (noise(32, 32), "1123"), (noise(32, 31), "12")]), CONFIG)
    assert found.too_narrow == {1: 0, 2: 0, 4: 0, 8: 1, 16: 2 + 1}


def test_duplicates_by_pixels_by_file_and_with_other_labels(make_folder):
    one, two = noise(), noise()
    source = make_folder([
        (one, "1"),
        (two, "2"),
        (one, "1"),
        (png(one) + b"\0", "1"),  # the same pixels in another file
        (two, "3"),
        (noise(), "1"),
        (one.reshape(32, 20, 3), "1"),  # the same values in another shape
    ])  # fmt: skip
    copies = make_report(source, CONFIG).duplicates
    assert (copies.same_pixels, copies.same_file, copies.other_label) == (3, 2, 2)
    assert copies.groups == [
        [Named(source.origin(1), "2"), Named(source.origin(4), "3")],
        [Named(source.origin(i), "1") for i in (0, 2, 3)],
    ]
    summary, examples = copies.summary().split(", such as ")
    assert re.findall(r"\d+", summary) == ["3", "2", "2"]
    assert examples.startswith(f"{source.origin(1)} and {source.origin(4)}. Hold copies out together")


def test_unreadable_samples_do_not_shift_what_is_named(make_folder):
    picture = noise()
    source = make_folder([(b"", "1"), (b"", "1"), (picture, "2"), (b"", "3"), (picture, "4")])
    found = make_report(source, CONFIG)
    assert found.problems["unreadable"] == 3
    assert found.label_lengths == {1: 2}
    assert found.duplicates.groups == [[Named(source.origin(2), "2"), Named(source.origin(4), "4")]]


@given(st.lists(st.integers(0, 12), max_size=60))
def test_groups_of_equal_digests(values):
    places = collections.defaultdict(list)
    for place, value in enumerate(values):
        places[value].append(place)
    expected = [group for group in places.values() if len(group) > 1]
    assert [group.tolist() for group in repeated(np.array(values, np.uint64))] == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=60))
def test_the_median_of_counts(values):
    assert median(collections.Counter(values)) == statistics.median_low(values)


def test_the_mean_picture_has_the_median_width_or_the_models(make_folder):
    source = make_folder(
        [(np.full((32, width, 3), value, np.uint8), "1") for width, value in ((30, 0), (50, 90), (70, 0))]
    )
    mean = make_report(source, CONFIG).mean_image
    assert mean is not None
    assert mean.shape == (32, 50, 3)
    np.testing.assert_allclose(mean, 30)
    gray = make_report(source, DataConfig(height=8, width=9, channels=1)).mean_image
    assert gray is not None
    assert gray.shape == (8, 9, 1)


def test_a_set_without_any_readable_picture_is_reported(make_folder):
    source = make_folder([(b"", "1"), (None, "2")])
    source.labels.write_bytes(source.labels.read_bytes() + b"no tab\n3.png\t\xff\n")
    found = make_report(type(source)(source.folder), CONFIG, NEEDS)
    assert (found.seen, found.usable, found.problems["unreadable"]) == (4, 0, 4)
    assert found.mean_image is None
    assert found.widths == {}
    assert found.buckets == ()
    total, unreadable, *_ = found.summary()
    assert total == "4 of 4 samples looked at, 0 can be used"
    assert unreadable.startswith(f"unreadable: 4, such as {source.labels}:1 (0.png): not a picture")
    json.dumps(found.to_json())


def test_one_row_of_many_pixels_gets_no_bucket(make_folder):
    found = make_report(make_folder([(noise(1, 5000), "1"), (noise(), "2")]), CONFIG)
    assert found.widths == {80: 1, 160_000: 1}
    assert found.buckets == (80,)
    assert found.problems["too_wide"] == 1


def test_an_empty_source_and_an_unknown_filter_are_refused(make_folder):
    with pytest.raises(ValueError, match="holds no sample"):
        make_report(make_folder([]), CONFIG)
    with pytest.raises(ValueError, match="sharpen"):
        make_report(make_folder(GOOD), DataConfig(filters=("sharpen",)))


def test_of_rendered_samples_the_first_few_are_looked_at():
    source = Drawn(10**6)
    found = make_report(source, CONFIG, rendered=7)
    assert (found.samples, found.seen) == (10**6, 7)
    assert set(source.drawn) == set(range(7))
    assert found.summary()[0] == "7 of 1,000,000 samples looked at (the first of rendered sources), 7 can be used"
    assert make_report(Drawn(3), CONFIG, rendered=7).seen == 3


def test_a_real_renderer():
    found = make_report(Arithmetic(ArithmeticConfig(count=100)), CONFIG, rendered=5)
    assert found.usable == found.seen == 5
    assert list(found.widths.values()) == [5]


def test_samples_of_mixtures_count_once_each_and_are_compared_across_parts(make_folder):
    folder = make_folder([(noise(), "1"), (np.full((16, 40, 3), 2, np.uint8), "x")])
    source = Mixture([Drawn(500), Mixture([folder, Drawn(300)], [1, 1])], [3, 1])
    found = make_report(source, CONFIG, rendered=4)
    assert (found.samples, found.seen) == (802, 4 + 2 + 4)
    groups = [[named.origin for named in group] for group in found.duplicates.groups]
    assert groups == [
        ["drawn 2", folder.origin(1), "drawn 2"],
        ["drawn 0", "drawn 0"],
        ["drawn 1", "drawn 1"],
        ["drawn 3", "drawn 3"],
    ]


def test_lists_of_names_are_cut(make_folder, monkeypatch):
    monkeypatch.setattr(report, "SPELT_OUT", 2)
    monkeypatch.setattr(duplicates, "SPELT_OUT", 2)
    picture = noise()
    found = make_report(make_folder([(b"", "1")] * 3 + [(picture, "1")] * 5), CONFIG)
    assert found.problems["unreadable"] == 3
    assert len(found.examples["unreadable"]) == 2
    assert found.duplicates.same_pixels == 4
    assert [len(group) for group in found.duplicates.groups] == [2]


def test_pictures_are_not_kept():
    class Big(Drawn):
        def __getitem__(self, index: int) -> Sample:
            return Sample(np.full((400, 1000, 3), index % 256, np.uint8), "1", "big")

    tracemalloc.start()
    try:
        make_report(Big(100), DataConfig(height=8), rendered=100)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 100 * 1_200_000 / 2


def test_json_names_everything_and_survives_a_round_trip(make_folder):
    picture = noise()
    found = make_report(make_folder([(picture, "皖"), (picture, "京"), (b"", "1")]), CONFIG)
    document = json.loads(json.dumps(found.to_json()))
    assert document["tokens"] == {"京": 1, "皖": 1}
    assert document["label_lengths"] == {"1": 2}
    assert document["problems"]["unreadable"] == 1
    assert document["examples"]["unreadable"][0]["origin"].endswith("labels.tsv:3 (2.png)")
    assert [[named["text"] for named in group] for group in document["duplicates"]["groups"]] == [["皖", "京"]]
    assert "mean_image" not in document


def test_the_progress_bar_counts_samples(make_folder, capsys):
    make_report(make_folder(GOOD), CONFIG, progress="look")
    assert "look" in capsys.readouterr().err
    make_report(make_folder(GOOD), CONFIG)
    assert capsys.readouterr().err == ""


def test_look_alikes_within_a_set_are_counted_and_named(make_folder):
    source = make_folder(
        [(noise(), "AB"), (noise(), "AА1"), (noise(), "1-0"), (noise(), "АO"), (noise(), "l0"), (b"", "–")]
    )
    (found,) = (got := make_report(source, CONFIG)).look_alikes
    assert found == LookAlikes({"A": 2, "А": 2}, Named(source.origin(1), "AА1"))
    (line,) = [line for line in got.summary() if line.startswith("look alike")]
    assert "'А' (U+0410 CYRILLIC CAPITAL LETTER A) 2 times" in line
    assert f"such as {source.origin(1)}, 'AА1'" in line
    assert json.loads(json.dumps(got.to_json()))["look_alikes"] == [
        {"tokens": {"A": 2, "А": 2}, "example": {"origin": source.origin(1), "text": "AА1"}}
    ]


def test_look_alikes_are_those_of_the_labels_as_they_are_learnt(make_folder):
    source = make_folder([(noise(), "A"), (noise(), "а"), (noise(), "\u00a0 1")])
    needs = text_needs(Alphabet("aа1"), lower_case=True, strip=True)
    assert [set(x.tokens) for x in make_report(source, CONFIG).look_alikes] == [{" ", "\u00a0"}]
    assert [set(x.tokens) for x in make_report(source, CONFIG, needs).look_alikes] == [{"a", "а"}]


def test_many_groups_of_look_alikes_are_cut(make_folder):
    found = make_report(make_folder([(noise(), "ABCEHKMАВСЕНКМ")]), CONFIG)
    assert len(found.look_alikes) == 7
    lines = [line for line in found.summary() if line.startswith("look alike")]
    assert (len(lines), lines[-1]) == (6, "look alike: 2 other groups")
