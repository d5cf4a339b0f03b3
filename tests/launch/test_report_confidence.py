"""Sentences about confidences state what holds when a reader applies them."""

import re

import numpy as np
import pytest

from launch.runs.reporting.confidence import (
    Calibration,
    Confident,
    confidence_section,
    threshold_sentence,
    typed_threshold_for,
)
from recog.evaluation.calibration import Temperature
from recog.evaluation.selective import curve, threshold_for


@pytest.mark.parametrize(
    ("confidences", "typed"),
    [
        ([0.99996, 0.99991, 0.9], "0.99996"),  # 0.9999 would accept the mistake at 0.99991
        ([1.0, 0.9999, 0.9], "1.0000"),
        ([0.9960519671440125, 0.5, 0.1], "0.9960"),
        ([np.float32(0.3), np.nextafter(np.float32(0.3), np.float32(0)), 0.1], None),
    ],
)
def test_a_threshold_as_it_is_typed_accepts_the_same_samples(confidences, typed):
    confidences = np.array(confidences, np.float64)
    found = curve(confidences, [True, False, False])
    sentence = threshold_sentence(found, 1.0, "read")
    (shown,) = re.findall(r"≥ ([\d.]+)", sentence)
    assert typed in (None, shown)
    assert (confidences >= float(shown)).tolist() == [True, False, False]


def test_a_typed_threshold_is_the_exact_one_within_a_rounding():
    random = np.random.default_rng(0)
    confidences = 1 - random.random(300) ** 6
    found = curve(confidences, random.random(300) < confidences)
    for wanted in np.linspace(0.5, 1, 40):
        exact, typed = threshold_for(found, wanted), typed_threshold_for(found, wanted)
        assert (exact is None) == (typed is None)
        if exact and typed:
            assert exact[1:] == typed[1:]
            assert 0 <= exact.threshold - typed.threshold <= 1e-4
            assert np.mean(confidences >= typed.threshold) == pytest.approx(exact.coverage)


@pytest.mark.parametrize("count", [1, 40, 5000])
def test_the_diagram_names_numbers_of_pictures_in_plain_digits(count):
    confidences = np.linspace(0, 1, count)
    temperature = Temperature(1.0, 0.1, 0.1)
    right = np.arange(count) % 3 > 0
    section = confidence_section(
        Confident(confidences, right, "read"), Calibration(temperature, confidences, "others", count, False), 0.9
    )
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", section.body)
    assert "pictures" in texts
    assert "1" in texts
    assert [text for text in texts if "$" in text or "\\" in text] == []
