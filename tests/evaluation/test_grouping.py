"""Groups hold every sample once, under the name that the pattern finds."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.evaluation.grouping import by_length, by_regex

ORIGINS = ["ccpd_fn/a.jpg", "ccpd_db/b.jpg", "other.jpg", "ccpd_fn/c.jpg"]


def listed(groups):
    return {name: indices.tolist() for name, indices in groups.items()}


@given(st.lists(st.text("ab", max_size=3), max_size=12))
def test_labels_are_grouped_by_length_and_none_is_lost(labels):
    groups = listed(by_length(labels))
    assert list(groups) == sorted(groups)
    assert sorted(index for members in groups.values() for index in members) == list(range(len(labels)))
    assert all(len(labels[index]) == length for length, members in groups.items() for index in members)


def test_lengths_are_those_of_tokens():
    assert listed(by_length([["clef-G2", "note-C4"], ["note-C4"], []])) == {0: [2], 1: [1], 2: [0]}


@pytest.mark.parametrize(
    "pattern",
    [r"ccpd_(\w+)/", r"ccpd_(?P<split>\w+)/", r"(ccpd)_(?P<split>\w+)/", r"(?<=ccpd_)\w+(?=/)", r"ccpd_(\w+)/(.)"],
    ids=["first group", "named group", "named before first", "whole match", "first of two"],
)
def test_the_group_is_named_by_the_pattern(pattern):
    assert list(listed(by_regex(ORIGINS, pattern)).items()) == [("db", [1]), ("fn", [0, 3]), ("other", [2])]


def test_a_group_that_took_no_part_or_is_empty_is_no_name():
    assert listed(by_regex(["ab", "b", "zb"], "(a)?b|z")) == {"a": [0], "other": [1, 2]}
    assert listed(by_regex(["b"], "(a*)b")) == {"other": [0]}


def test_no_origin_matches():
    assert listed(by_regex(["x", "y"], "(z)")) == {"other": [0, 1]}
    assert by_regex([], "(z)") == {}


def test_a_pattern_that_does_not_compile_names_itself():
    with pytest.raises(ValueError, match=re.escape("'ccpd_('")):
        by_regex(ORIGINS, "ccpd_(")
