"""Counts of reading agree with a brute-force edit distance and with worked examples, and merge in any grouping."""

import json
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.metrics import ReadingCounts
from recog.metrics.hints import TOO_FEW_TO_GUESS, zero_accuracy_hint

texts = st.lists(st.sampled_from(("a", "b", "note-C4")), max_size=6)
pairs = st.lists(st.tuples(texts, texts), max_size=8)


def edit_distance(source: Sequence[str], target: Sequence[str]) -> int:
    """The definition, spelt out: try every edit of the first token."""
    if not source or not target:
        return len(source) + len(target)
    return min(
        edit_distance(source[1:], target) + 1,
        edit_distance(source, target[1:]) + 1,
        edit_distance(source[1:], target[1:]) + (source[0] != target[0]),
    )


def counts_of(samples: list[tuple[list[str], list[str]]]) -> ReadingCounts:
    return ReadingCounts.of([label for label, _ in samples], [prediction for _, prediction in samples])


def assert_same(left: ReadingCounts, right: ReadingCounts) -> None:
    """Equal, but for the rounding of the one sum that is not of whole numbers."""
    assert (left.count, left.exact, left.edits) == (right.count, right.exact, right.edits)
    assert (left.label_tokens, left.same_length) == (right.label_tokens, right.same_length)
    assert left.ned_sum == pytest.approx(right.ned_sum, rel=1e-12)


# Counts


@given(pairs)
def test_counts_follow_their_definitions(samples: list[tuple[list[str], list[str]]]) -> None:
    distances = [edit_distance(label, prediction) for label, prediction in samples]
    counts = counts_of(samples)
    assert counts.count == len(samples)
    assert counts.exact == sum(label == prediction for label, prediction in samples)
    assert counts.edits == sum(distances)
    assert counts.label_tokens == sum(len(label) for label, _ in samples)
    assert counts.same_length == sum(len(label) == len(prediction) for label, prediction in samples)
    assert counts.ned_sum == pytest.approx(
        sum(edits / max(len(pair[0]), len(pair[1]), 1) for edits, pair in zip(distances, samples, strict=True))
    )


@given(pairs, pairs, pairs)
def test_merging_is_associative_commutative_and_has_an_identity(
    first: list[tuple[list[str], list[str]]],
    second: list[tuple[list[str], list[str]]],
    third: list[tuple[list[str], list[str]]],
) -> None:
    a, b, c = counts_of(first), counts_of(second), counts_of(third)
    assert_same((a + b) + c, a + (b + c))
    assert_same(a + b, b + a)
    assert a + ReadingCounts() == a
    assert_same(a + b + c, counts_of(first + second + third))


@given(pairs)
def test_rates_are_finite_and_in_range(samples: list[tuple[list[str], list[str]]]) -> None:
    report = counts_of(samples).report()
    assert all(math.isfinite(value) for value in report.values())
    assert 0 <= report["accuracy"] <= report["length_consistency"] <= 1
    assert -1e-12 <= report["one_minus_ned"] <= 1
    assert report["cer"] >= 0


# Rates by hand


def test_the_textbook_distance() -> None:
    counts = ReadingCounts.of(["sitting"], ["kitten"])
    assert counts.edits == 3
    assert counts.one_minus_ned == pytest.approx(1 - 3 / 7)
    assert counts.cer == pytest.approx(3 / 7)


def test_a_small_set_worked_by_hand() -> None:
    # Plates, as a detector-free reader gets them: one right, one substitution, one deletion, one insertion.
    labels = ["皖AD7716", "皖A12345", "苏E730V7", "京N8P8F8"]
    predictions = ["皖AD7716", "皖A12845", "苏E73V7", "京N8P8FF8"]
    counts = ReadingCounts.of(labels, predictions)
    assert counts.report() == {
        "count": 4,
        "accuracy": 0.25,
        "one_minus_ned": pytest.approx(1 - (0 + 1 / 7 + 1 / 7 + 1 / 8) / 4),
        "cer": pytest.approx(3 / 28),
        "mean_edit_distance": 0.75,
        "length_consistency": 0.5,
    }


def test_one_minus_ned_weighs_samples_and_cer_weighs_tokens() -> None:
    counts = ReadingCounts.of(["ab", "abcdefgh"], ["xy", "abcdefgh"])
    assert counts.one_minus_ned == pytest.approx(0.5)
    assert counts.cer == pytest.approx(0.2)


def test_one_minus_ned_divides_by_the_longer_of_the_two() -> None:
    assert ReadingCounts.of(["a"], ["abcd"]).one_minus_ned == pytest.approx(0.25)
    assert ReadingCounts.of(["a"], ["abcd"]).cer == pytest.approx(3.0)


def test_tokens_of_several_characters_count_once() -> None:
    counts = ReadingCounts.of([["clef-G2", "note-C4", "barline"]], [["clef-G2", "note-D4", "barline"]])
    assert (counts.edits, counts.label_tokens) == (1, 3)


def test_ids_count_as_tokens() -> None:
    assert ReadingCounts.of([[1, 2, 3]], [[1, 3]]).edits == 1


def test_two_empty_texts_are_equal() -> None:
    assert ReadingCounts.of([""], [""]).report() == {
        "count": 1,
        "accuracy": 1.0,
        "one_minus_ned": 1.0,
        "cer": 0.0,
        "mean_edit_distance": 0.0,
        "length_consistency": 1.0,
    }


def test_no_samples_give_zeros_that_json_can_hold() -> None:
    report = ReadingCounts().report()
    assert set(report.values()) == {0}
    assert json.loads(json.dumps(report, allow_nan=False)) == report


def test_one_prediction_per_label() -> None:
    with pytest.raises(ValueError, match="2 labels but 1 predictions"):
        ReadingCounts.of(["a", "b"], ["a"])


# Hints

PRICES = [f"{number}.{number % 7}0" for number in range(3, 3 + TOO_FEW_TO_GUESS)]
WORDS = [f"Street {number}" for number in range(TOO_FEW_TO_GUESS)]


@pytest.mark.parametrize(
    ("labels", "predictions", "guess"),
    [
        (PRICES, [""] * len(PRICES), "every prediction is empty"),
        (PRICES, ["1"] * len(PRICES), "every prediction is '1'"),
        (WORDS, [word.lower() for word in WORDS], "upper and lower case"),
        (WORDS, [word.replace(" ", "") for word in WORDS], "white space"),
        (WORDS, [f" {word}" for word in WORDS], "white space"),
        (
            PRICES,
            [price.translate({code: code + 0xFEE0 for code in range(33, 127)}) for price in PRICES],
            "Unicode form",
        ),
        (
            PRICES,
            [price.translate(str.maketrans(".0123456789", "0123456789.")) for price in PRICES],
            "tokens are swapped one for one ('.' as '0', '0' as '1', '1' as '2')",
        ),
        (PRICES, [price.replace(".", "") for price in PRICES], "a token that no prediction contains ('.')"),
    ],
    ids=["empty", "constant", "case", "missing space", "leading space", "full width", "other alphabet", "no point"],
)
def test_the_hint_names_the_cause(labels: list[str], predictions: list[str], guess: str) -> None:
    hint = zero_accuracy_hint(labels, predictions)
    assert hint is not None
    assert guess in hint
    assert hint.startswith(f"none of {len(labels)} samples was read right: ")
    assert "\n" not in hint


def test_no_hint_when_something_was_read_right() -> None:
    assert zero_accuracy_hint(PRICES, ["", *PRICES[1:]]) is None
    assert zero_accuracy_hint(PRICES, [PRICES[0], *[""] * (len(PRICES) - 1)]) is None


def test_no_hint_from_too_few_samples() -> None:
    assert zero_accuracy_hint([], []) is None
    assert zero_accuracy_hint(PRICES[1:], [""] * (len(PRICES) - 1)) is None


def test_no_hint_when_nothing_stands_out() -> None:
    assert zero_accuracy_hint(PRICES, [f"{price}{price[0]}" for price in PRICES]) is None
