"""Lines of text: every character has ink, stands apart from its neighbours, and is of the height it should be."""

import itertools
import string

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.synthetic.centre_lines import DRAWN, STROKED
from datasets.synthetic.fonts import FONTS
from datasets.synthetic.typeface import (
    ABOVE,
    CAPITAL,
    CELL,
    OUTLINES,
    STROKES,
    Face,
    draw_glyph,
    draw_line,
    heaviest,
    rasterize,
)

WRITTEN = "".join(sorted(DRAWN - {" "}))
FAMILIES = (*OUTLINES, *STROKES, "dots")
FACES = [Face(family, weight) for family, weight in itertools.product(FAMILIES, (0.07, 0.14))]
FACES += [Face("plain", weight, own=True) for weight in (0.06, 0.07, 0.08, 0.1, 0.12, 0.14)]


@pytest.mark.parametrize("face", FACES, ids=str)
def test_every_character_has_ink_within_its_cell(face: Face):
    for character in WRITTEN:
        glyph = draw_glyph(character, face)
        assert glyph.shape[0] == CELL
        assert (glyph > 128).sum() >= 4, character
        assert glyph[[0, -1]].max() < 16, character
        assert glyph[:, 0].any(), character
        assert glyph[:, -1].any(), character


@pytest.mark.parametrize("family", FAMILIES)
def test_small_letters_and_all_signs_of_receipts_can_be_drawn(family):
    others = sorted(STROKED - DRAWN)
    assert len(others) == 49
    for character in others:
        glyph = draw_glyph(character, Face(family, 0.12))
        assert (glyph > 128).sum() >= 4, character
        rows = np.flatnonzero((glyph > 100).any(axis=1))
        if character in "acemnorsuvwx":
            assert abs(int(rows[-1]) + 1 - ABOVE - CAPITAL) <= 3, character
            assert 0.55 < (ABOVE + CAPITAL - int(rows[0])) / CAPITAL < 0.85, character
        if character in "gpqy":
            assert int(rows[-1]) + 1 - ABOVE - CAPITAL >= 3, character


@pytest.mark.parametrize("family", FAMILIES)
def test_no_two_small_letters_look_the_same(family):
    shapes = {
        sign: cv2.resize(draw_glyph(sign, Face(family, 0.12)), (24, CELL)) / 255.0 for sign in string.ascii_lowercase
    }
    for (one, first), (other, second) in itertools.combinations(shapes.items(), 2):
        assert np.abs(first - second).mean() > 0.012, one + other


@pytest.mark.parametrize("family", sorted(FONTS))
def test_heavier_fonts_have_more_ink(family):
    inks = [sum(int(draw_glyph(sign, Face(family, weight)).sum()) for sign in "AHOn8") for weight in (0.12, 0.16)]
    assert inks == sorted(set(inks))


@pytest.mark.parametrize("face", FACES, ids=str)
def test_digits_and_capitals_are_of_the_same_height(face: Face):
    for character in string.digits + "ABDEHMRT":
        rows = np.flatnonzero((draw_glyph(character, face) > 100).any(axis=1))
        assert abs(int(rows[0]) - ABOVE) <= 3, character
        assert abs(int(rows[-1]) + 1 - ABOVE - CAPITAL) <= 3, character


@pytest.mark.parametrize("face", FACES, ids=str)
def test_no_two_characters_look_the_same(face: Face):
    signs = WRITTEN.replace("O", "")  # only a slash or the width tells it from a zero
    shapes = [cv2.resize(draw_glyph(sign, face), (24, CELL)).astype(float) / 255 for sign in signs]
    for (one, first), (other, second) in itertools.combinations(zip(signs, shapes, strict=True), 2):
        assert np.abs(first - second).mean() > 0.009, one + other


@pytest.mark.parametrize("family", STROKES)
@pytest.mark.parametrize(("aspect", "square"), [(0.42, 2.0), (0.57, 4.0), (0.74, 2.0)])
def test_strokes_keep_the_holes_of_digits(family, aspect: float, square: float):
    weight = heaviest(aspect)
    for digit, holes in {"0": 1, "4": 1, "6": 1, "8": 2, "9": 1, "1": 0, "2": 0, "3": 0, "5": 0, "7": 0}.items():
        if family == "slashed" and digit == "0":
            continue
        glyph = np.pad(draw_glyph(digit, Face(family, weight, aspect, square)), 2)
        paper = cv2.threshold(glyph, 110, 255, cv2.THRESH_BINARY_INV)[1]
        assert cv2.connectedComponents(paper, connectivity=4)[0] - 2 == holes, digit


def test_a_face_of_its_own_has_digits_of_its_own():
    def shape(character: str, weight: float, own: bool) -> np.ndarray:
        glyph = draw_glyph(character, Face("plain", weight, own=own))
        return cv2.resize(glyph, (24, CELL)).astype(float) / 255

    for character in string.digits:
        usual, own, other = shape(character, 0.12, False), shape(character, 0.12, True), shape(character, 0.121, True)
        assert min(np.abs(usual - own).mean(), np.abs(own - other).mean()) > 0.002, character
    np.testing.assert_array_equal(shape("$", 0.12, True), shape("$", 0.12, False))


def test_weight_aspect_and_squareness_change_strokes():
    def area(**fields) -> tuple[int, int]:
        glyph = draw_glyph("0", Face("plain", **fields))
        return int((glyph > 128).sum()), glyph.shape[1]

    assert area(weight=0.2)[0] > 1.5 * area(weight=0.1)[0]
    assert area(aspect=0.75)[1] > 1.4 * area(aspect=0.5)[1]
    assert area(square=6.0)[0] > area(square=2.0)[0]
    assert not np.array_equal(draw_glyph("1", Face("plain", flat=True)), draw_glyph("1", Face("plain")))


@settings(max_examples=60)
@given(
    st.text(WRITTEN + " ", min_size=1, max_size=14).filter(str.strip),
    st.sampled_from(FACES),
    st.floats(1, 12),
    st.one_of(st.just(0.0), st.floats(5, 60)),
    st.floats(0, 1),
)
def test_each_character_of_a_line_stands_for_itself(text: str, face: Face, gap: float, pitch: float, align: float):
    mask, spans = draw_line(text, face, gap, pitch, align)
    signs = text.replace(" ", "")
    assert len(spans) == len(signs)
    assert spans[0][0] == 0
    assert spans[-1][1] == mask.shape[1]
    assert all(stop <= start for (_, stop), (start, _) in itertools.pairwise(spans))
    for sign, (start, stop) in zip(signs, spans, strict=True):
        assert np.array_equal(mask[:, start:stop], draw_glyph(sign, face))
    between = np.ones(mask.shape[1], bool)
    for span in spans:
        between[slice(*span)] = False
    assert not mask[:, between].any()


def test_fixed_pitch_puts_equal_steps_between_left_edges():
    starts = [start for start, _ in draw_line("0000", Face("plain"), 1, pitch=40, align=0.0).spans]
    assert np.diff(starts).tolist() == [40, 40, 40]


def test_a_space_leaves_room():
    close, apart = (draw_line(text, Face("uni"), 4).mask.shape[1] for text in ("RM5", "RM 5"))
    assert apart > close + 0.3 * CAPITAL


@pytest.mark.parametrize("text", ["", " ", "   "])
def test_a_line_without_ink_is_refused(text: str):
    with pytest.raises(ValueError, match=f"'{text}' is blank"):
        draw_line(text, Face("plain"), 2)


@pytest.mark.parametrize("family", [*STROKES, "dots"])
def test_what_a_face_cannot_draw_is_named(family):
    with pytest.raises(ValueError, match=f"'{family}' cannot draw 'é'"):
        draw_line("1é", Face(family), 2)


def test_outlines_write_lower_case_and_currency_signs():
    assert len(draw_line("g€£¥y", Face("sans"), 3).spans) == 5


def test_glyphs_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        draw_glyph("5", Face("plain"))[0, 0] = 1


@pytest.mark.parametrize("round_dots", [False, True])
@pytest.mark.parametrize("dots", [9, 14, 24])
def test_a_print_head_keeps_size_and_characters(dots: int, round_dots: bool):
    line = draw_line("RM 1,234.50", Face("plain", 0.12), 6)
    printed = rasterize(line.mask, dots, round_dots)
    assert printed.shape == line.mask.shape
    for start, stop in line.spans:
        assert (printed[:, start:stop] > 100).sum() >= 4


def test_needles_leave_gaps_that_heat_does_not():
    mask = np.full((CELL, 80), 255, np.uint8)
    assert rasterize(mask, 10).min() == 255
    assert rasterize(mask, 10, round_dots=True).mean() < 240
