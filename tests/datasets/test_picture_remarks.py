"""Remarks about pictures that show nothing, or hold no line of text as they are."""

import cv2
import numpy as np
import pytest

from datasets.needs import Needs
from datasets.picture_remarks import NO_CONTRAST, TOO_NARROW, picture_remarks
from datasets.pipeline import DataConfig
from datasets.preflight import preflight
from datasets.report import make_report
from recog.alphabet import DIGITS, Alphabet
from recog.codecs import BoxCodec, BoxLabel, ClassCodec
from recog.preprocess import Preprocess
from tests.batches import text_needs

RNG = np.random.default_rng(0)


def noise(height: int, width: int, most: int = 255) -> np.ndarray:
    picture = RNG.integers(0, most + 1, (height, width), dtype=np.uint8)
    picture.flat[:2] = 0, most
    return picture


def ink(ground, ink) -> np.ndarray:
    picture = np.full((32, 80, 3), ground, np.uint8)
    picture[10:12, 20:40] = ink
    return picture


def sixteen(most: int) -> bytes:
    picture = RNG.integers(0, most + 1, (32, 80), dtype=np.uint16)
    picture[0, :2] = 0, most
    return cv2.imencode(".png", picture)[1].tobytes()


def found(make_folder, picture, label: str = "12", needs=None, channels: int = 1, **settings) -> dict[str, str]:
    """Remarks of the preflight, which the reports repeat, with and without a model."""
    preprocess = Preprocess(32, channels=channels, **settings)
    needs = needs or text_needs(DIGITS, preprocess)
    source = make_folder([(picture, label)])
    checked = preflight(source, needs, on_bad_sample="raise").remarks
    for asked in (needs, None):
        report = make_report(source, DataConfig(height=32, channels=channels, **settings), asked)
        assert report.remarks == checked.counts
    return {kind: examples[0].reason for kind, examples in checked.examples.items()}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("picture", [ink(0, 0), ink(255, 248), ink((200, 100, 50), (202, 100, 50))])
def test_a_picture_of_almost_one_value_has_no_contrast(make_folder, picture, channels):
    reason = found(make_folder, picture, channels=channels)[NO_CONTRAST]
    assert "of 255, so that nothing can be seen" in reason


@pytest.mark.parametrize("picture", [ink(255, 245), ink(0, 9), noise(32, 80)])
def test_faint_ink_has_contrast(make_folder, picture):
    assert not found(make_folder, picture)


def test_colours_of_equal_luma_have_contrast_for_models_of_colour_alone(make_folder):
    picture = ink((200, 0, 0), (0, 102, 0))  # a luma of 60 both
    assert NO_CONTRAST in found(make_folder, picture, channels=1)
    assert not found(make_folder, picture, channels=3)


@pytest.mark.parametrize(("most", "bits"), [(0x0FFF, 12), (0x03FF, 10)])
def test_files_of_sixteen_bits_that_use_only_twelve_are_told(make_folder, most, bits):
    reason = found(make_folder, sixteen(most))[NO_CONTRAST]
    assert f"16-bit file whose values use only {bits} bits: it reads as almost black" in reason


def test_dark_files_are_no_files_of_twelve_bits(make_folder):
    assert not found(make_folder, sixteen(0xFFFF))
    assert not found(make_folder, noise(32, 80, most=15)), "a file of 8 bits"


@pytest.mark.parametrize(
    ("height", "width", "label"), [(200, 30, "12"), (120, 40, "123"), (2400, 180, "4909012"), (60, 1, "1")]
)
def test_columns_of_text_and_slivers_are_too_narrow(make_folder, height, width, label):
    picture = noise(height, width)
    reason = found(make_folder, picture, label)[TOO_NARROW]
    assert f"{width} x {height} pixels" in reason
    assert "data.rotate_tall=90" in reason
    assert "data.rotate_tall=270" in reason
    if width > 1:
        assert not found(make_folder, picture, label, rotate_tall=270)


@pytest.mark.parametrize(
    ("height", "width", "label"), [(60, 6, "1"), (60, 25, "11"), (60, 41, "123456"), (10, 200, "12")]
)
def test_narrow_characters_and_lines_are_wide_enough(make_folder, height, width, label):
    assert not found(make_folder, noise(height, width), label)


def test_tokens_of_several_characters_count_once(make_folder):
    needs = text_needs(Alphabet(("long", "short"), separator=" "))
    checked = preflight(make_folder([(noise(60, 25), "long short")]), needs, on_bad_sample="raise")
    assert not checked.remarks.counts


def test_class_names_are_not_counted_in_characters(make_folder):
    codec = ClassCodec(("portrait", "landscape"))
    needs = Needs(Preprocess(32), codec, codec.problems)
    assert not preflight(make_folder([(noise(90, 40), "portrait")]), needs, on_bad_sample="raise").remarks.counts


def test_photographs_with_boxes_hold_no_line_of_text():
    picture = noise(400, 2)
    preprocess = Preprocess(96, 128, 1, letterbox=True)
    assert not picture_remarks(picture, picture, BoxLabel(()), preprocess, BoxCodec(("plate",)))
    assert TOO_NARROW in picture_remarks(picture, picture, "1", preprocess)


def test_labels_that_do_not_fit_tall_pictures_name_the_rotation(make_folder):
    source = make_folder([(noise(200, 30), "1234567"), (noise(32, 24), "1234567")])
    needs = text_needs(DIGITS, frames=lambda width: width // 4)
    tall, small = preflight_problems(source, needs)
    assert "needs 7 frames, the model emits 1" in tall
    assert "data.rotate_tall=90" in tall
    assert "rotate_tall" not in small


def preflight_problems(source, needs) -> list[str]:
    with pytest.raises(ValueError, match="2 of 2 samples") as caught:
        preflight(source, needs, on_bad_sample="skip")
    return str(caught.value).splitlines()[1:]


def test_the_report_counts_widths_of_turned_pictures(make_folder):
    source = make_folder([(noise(200, 40), "12345")])
    config = DataConfig(height=32, rotate_tall=90)
    report = make_report(source, config)
    assert report.widths == {160: 1}
    assert report.mean_image is not None
    assert report.mean_image.shape == (32, 160, 1)
    expected = Preprocess(32, 160, rotate_tall=90)(source[0].image)
    np.testing.assert_array_equal(report.mean_image, expected)
