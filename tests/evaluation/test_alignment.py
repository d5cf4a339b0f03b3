"""Alignments are shortest edits; rates, averages and confusions are scikit-learn's, and those counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from recog.evaluation.alignment import AlignedCounts, align
from recog.metrics import ReadingCounts

tokens = st.lists(st.sampled_from(("a", "b", "note-C4")), max_size=7)
samples = st.lists(st.tuples(tokens, tokens), max_size=6)


def counts_of(pairs):
    return AlignedCounts.of([label for label, _ in pairs], [text for _, text in pairs])


@given(tokens, tokens)
def test_an_alignment_holds_both_sequences_with_as_many_differences_as_edits(label, text):
    pairs = align(label, text)
    assert [token for token, _ in pairs if token is not None] == label
    assert [token for _, token in pairs if token is not None] == text
    assert (None, None) not in pairs
    assert sum(one != other for one, other in pairs) == ReadingCounts.of([label], [text]).edits


def test_alignment_by_hand():
    assert align("皖A12345", "皖A2845") == [
        ("皖", "皖"),
        ("A", "A"),
        ("1", None),
        ("2", "2"),
        ("3", "8"),
        ("4", "4"),
        ("5", "5"),
    ]
    assert align("", "7") == [(None, "7")]
    assert align("7", "") == [("7", None)]
    assert align("", "") == []


def test_tokens_are_told_apart_by_equality_not_by_hash():
    assert hash((-1,)) == hash((-2,))
    assert align([(-1,), 0], [(-2,), 0]) == [((-1,), (-2,)), (0, 0)]


@given(samples)
def test_kinds_of_edits_sum_to_the_edit_distance(pairs):
    counts = counts_of(pairs)
    edits = ReadingCounts.of([label for label, _ in pairs], [text for _, text in pairs]).edits
    assert counts.substitutions + counts.insertions + counts.deletions == edits
    label_tokens, read_tokens = (sum(len(pair[side]) for pair in pairs) for side in (0, 1))
    right = counts.true_positives.total()
    assert right + counts.false_negatives.total() == label_tokens == right + counts.substitutions + counts.deletions
    assert right + counts.false_positives.total() == read_tokens == right + counts.substitutions + counts.insertions
    assert sum(row.support for row in counts.rows()) == label_tokens


@given(samples, samples)
def test_counts_of_parts_add_up(first, second):
    assert counts_of(first) + counts_of(second) == counts_of(first + second)
    assert counts_of(first) + AlignedCounts() == counts_of(first)


def test_rates_averages_and_confusions_are_scikit_learns():
    """One token a sample is classification; a class of its own stands for no token in the reference."""
    random, nothing = np.random.default_rng(0), "nothing"
    classes = ["A", "B", "D", "0", "8"]
    pairs = [pair for pair in random.choice([*classes, nothing], (400, 2)).tolist() if pair != [nothing, nothing]]
    pairs += [[token, token] for token in random.choice(classes, 300).tolist()]
    counts = counts_of([["" if token == nothing else token for token in pair] for pair in pairs])
    labels, texts = zip(*pairs, strict=True)
    expected = [np.asarray(values) for values in precision_recall_fscore_support(labels, texts, labels=classes)]
    rows = counts.rows(classes)
    assert [row.token for row in rows] == classes
    for place, values in zip(range(2, 5), expected, strict=False):
        assert [row[place] for row in rows] == pytest.approx(values.tolist())
    assert [row.support for row in rows] == expected[3].tolist()
    for average in ("macro", "micro"):
        found = getattr(counts, average)()
        reference = precision_recall_fscore_support(labels, texts, labels=classes, average=average)
        assert tuple(found) == pytest.approx(reference[:3])
    matrix = confusion_matrix(labels, texts, labels=[*classes, nothing])
    np.testing.assert_array_equal(counts.confusion(classes), matrix)
    np.testing.assert_array_equal(counts.confusion(classes[:2]), matrix[np.ix_([0, 1, 5], [0, 1, 5])])


def test_plates_counted_by_hand():
    counts = AlignedCounts.of(["B88", "B8", "D1", "D"], ["888", "88", "01", "DD"])
    assert (counts.substitutions, counts.insertions, counts.deletions) == (3, 1, 0)
    assert counts.confused(5) == [("B", "8", 2), ("D", "0", 1)]
    assert counts.confused(1) == [("B", "8", 2)]
    rows = {row.token: row for row in counts.rows()}
    assert rows["8"] == ("8", 3, 3 / 5, 1.0, 3 / 4)
    assert rows["B"] == ("B", 2, 0.0, 0.0, 0.0)
    assert rows["D"] == ("D", 2, 1 / 2, 1 / 2, 1 / 2)
    assert rows["0"] == ("0", 0, 0.0, 0.0, 0.0), "read, but in no label"
    assert counts.micro() == pytest.approx((5 / 9, 5 / 8, 10 / 17))


def test_rows_follow_the_alphabet_or_the_support():
    counts = AlignedCounts.of([["b", "b", "a", "x"]], [["b", "b", "a", "y"]])
    assert [row.token for row in counts.rows()] == ["b", "a", "x", "y"]
    assert [row.token for row in counts.rows(["y", "z", "a"])] == ["y", "a", "b", "x"]
    mixed = AlignedCounts.of([[1, "1", (2,)]], [[1, "1", (3,)]])
    assert {row.token for row in mixed.rows()} == {1, "1", (2,), (3,)}


def test_no_samples_and_texts_without_tokens():
    for counts in (AlignedCounts(), AlignedCounts.of([""], [""])):
        assert counts.rows() == counts.confused(3) == []
        assert counts.macro() == counts.micro() == (0, 0, 0)
        assert not counts.confusion("ab").any()


def test_one_text_per_label():
    with pytest.raises(ValueError, match="2 labels but 1 texts"):
        AlignedCounts.of(["a", "b"], ["a"])
