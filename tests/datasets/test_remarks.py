"""Remarks about samples that can be used but will probably be read badly."""

import numpy as np
import pytest

from datasets.mixture import Mixture
from datasets.pipeline import DataConfig
from datasets.preflight import BadSamplesError, preflight
from datasets.remarks import Remarks
from datasets.report import make_report
from recog.alphabet import Alphabet
from recog.codecs.codec import EMPTY
from recog.codecs.text_remarks import WHITE_SPACE
from tests.batches import text_needs

NEEDS = text_needs(Alphabet("0123456789 "), frames=lambda width: width // 4 + 1)
PICTURE = np.random.default_rng(0).integers(0, 256, (16, 40, 3), dtype=np.uint8)


def test_the_first_of_each_kind_are_named_and_all_counted():
    one, other = Remarks(), Remarks()
    one.add("a:1", {"blurred_ink": "bad", "odd": "strange"})
    for number in range(2, 6):
        other.add(f"a:{number}", {"odd": "stranger"})
    one.merge(other)
    assert one.lines() == [
        "blurred ink in 1 sample: a:1: bad",
        "odd in 5 samples: a:1: strange; also a:2",
    ]


@pytest.mark.parametrize("text", [" 12", "12 ", " "])
def test_white_space_at_the_ends_of_a_label_is_named_by_preflight_and_report(make_folder, text):
    source = make_folder([(PICTURE, "1 2"), (PICTURE, text)])
    (line,) = preflight(source, NEEDS, on_bad_sample="raise").remarks.lines()
    assert line.startswith(f"white space at the ends in 1 sample: {source.labels}:2 (1.png): the label {text!r} ")
    assert ("is nothing but white space" if text == " " else "--config.data.strip=true") in line
    for needs in (None, NEEDS):
        found = make_report(source, DataConfig(height=32), needs)
        assert found.remarks == {WHITE_SPACE: 1}
        assert f"white space at the ends: 1, such as {source.labels}:2 (1.png)" in "\n".join(found.summary())


def test_stripped_labels_are_not_remarked_upon_and_those_of_white_space_are_empty(make_folder):
    source = make_folder([(PICTURE, "1 2"), (PICTURE, " 12\u200b"), (PICTURE, " \u3000")])
    needs = text_needs(Alphabet("0123456789 "), strip=True)
    checked = preflight(source, needs, on_bad_sample="skip")
    assert checked.indices.tolist() == [0, 1]
    assert not checked.remarks.counts
    (problem,) = checked.problems
    assert "the label is empty without the white space" in problem.reason
    found = make_report(source, DataConfig(height=32), needs)
    assert found.remarks == {}
    assert (found.label_lengths, found.problems[EMPTY], found.usable) == ({0: 1, 2: 1, 3: 1}, 1, 2)


def test_a_sample_that_a_mixture_repeats_counts_once(make_folder):
    source = make_folder([(PICTURE, "1 ")])
    other = make_folder([(PICTURE, str(n)) for n in range(5)])
    checked = preflight(Mixture([source, other], [1, 1]), NEEDS, on_bad_sample="raise")
    assert checked.remarks.counts == {WHITE_SPACE: 1}
    assert len(checked.indices) == 10
    assert len(checked.pictures.indices) == 6


@pytest.mark.parametrize("others", [[], [(PICTURE, "12")]])
def test_labels_in_quotation_marks_that_do_not_fit_are_counted_once(make_folder, others):
    source = make_folder([*((PICTURE, f'"{n}"') for n in range(12)), *others])
    with pytest.raises(BadSamplesError) as caught:
        preflight(source, NEEDS, on_bad_sample="raise")
    notes = [line for line in str(caught.value).splitlines() if line.startswith("note: ")]
    assert len(notes) == 1
    assert notes[0].startswith("note: quotation marks around the label in 12 samples: ")
