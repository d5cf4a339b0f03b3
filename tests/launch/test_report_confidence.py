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
from launch.runs.reporting.section import Section
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


def section_of(confidences: np.ndarray, right: np.ndarray, number: int) -> Section:
    """Section with a temperature of 1 that was fitted to this number of other samples."""
    calibration = Calibration(Temperature(1.0, 0.1, 0.1), confidences, "others", number, False)
    return confidence_section(Confident(confidences, right, "read"), calibration, 0.9)


def texts_of(section: Section) -> list[str]:
    """Texts of the figures."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", section.body)


@pytest.mark.parametrize("count", [1, 40, 5000])
def test_the_diagram_names_numbers_of_pictures_in_plain_digits(count):
    texts = texts_of(section_of(np.linspace(0, 1, count), np.arange(count) % 3 > 0, count))
    assert {"pictures", "1"} <= {*texts}
    assert [text for text in texts if "$" in text or "\\" in text] == []


@pytest.mark.parametrize(("number", "relied_on"), [(1, False), (49, False), (50, True)])
def test_a_temperature_of_few_samples_has_a_warning(number, relied_on):
    section = section_of(np.linspace(0.5, 1, 60), np.ones(60, bool), number)
    assert ("50 or more" not in section.body) == relied_on
    assert f"{number} sample" in section.body


def test_shares_above_all_have_no_mark():
    for right in (np.ones(60, bool), np.arange(60) > 0):
        texts = texts_of(section_of(np.linspace(0.5, 1, 60), right, 60))
        assert [text for text in texts if text.endswith("%") and float(text[:-1]) > 100] == []
