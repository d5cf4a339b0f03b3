"""Rendered music: a pure function of seed and index, whose label is what the heads on the staff say."""

import pickle
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.specs import open_source
from datasets.synthetic.music import Music, MusicConfig, frame
from datasets.synthetic.music_engraving import Sheet, Style, engrave
from datasets.synthetic.music_glyphs import SPACE, WEIGHTS, glyph
from datasets.synthetic.music_score import CLEFS, FLOORS, LENGTHS, ROWS, TIMES, Event, compose, write
from recog.alphabet import MUSIC_PITCHES

FLOOR = -3.0
LOWEST = {"treble": ("E", 4), "bass": ("G", 2), "alto": ("F", 3)}
"""What the lowest line of a staff is, by any primer of music."""


def source(seed: int = 0, **fields) -> Music:
    return Music(MusicConfig(seed=seed, **fields))


def name_of(clef: str, step: int) -> str:
    letter, octave = LOWEST[clef]
    place = "CDEFGAB".index(letter) + step
    return f"{'CDEFGAB'[place % 7]}{octave + place // 7}"


def test_samples_are_uint8_rgb_of_the_configured_height_and_at_most_its_width():
    image, text, origin = source(3)[5]
    assert isinstance(image, np.ndarray)
    assert (image.dtype, origin) == (np.uint8, "music seed=3 index=5")
    assert text
    shapes = np.array([np.shape(source(height=64, width=512)[index].image) for index in range(60)])
    assert (shapes[:, 0] == 64).all()
    assert (shapes[:, 2] == 3).all()
    assert 64 < shapes[:, 1].min() < 256
    assert shapes[:, 1].max() == 512


@settings(max_examples=200)
@given(st.integers(0, 2**31), st.integers(1, 14), st.integers(32, 64), st.integers(160, 400))
def test_a_frame_keeps_all_ink_and_fits_the_canvas(seed: int, count: int, height: int, width: int):
    random, config = np.random.default_rng(seed), MusicConfig(height=height, width=width)
    events = [Event("eighth", False, int(step)) for step in random.integers(-3, 13, count)]
    ink = engrave("bass", "3/8", events, FLOOR, round(ROWS * SPACE * width / height), 1.0, random)
    framed = frame(ink, config, random)
    (*_, w, h), (x, y, *inside) = cv2.boundingRect(ink), cv2.boundingRect(framed)
    assert inside == [w, h]
    np.testing.assert_array_equal(framed[y : y + h, x : x + w].sum(), ink.sum(dtype=np.int64))
    assert framed.shape[1] * height < (width + 1) * framed.shape[0]


def test_samples_are_the_same_in_any_order_and_copy():
    stream = source(9)
    expected = [stream[index] for index in range(20)]
    copy = pickle.loads(pickle.dumps(source(9)))
    for index in reversed(range(20)):
        image, text, origin = copy[index]
        assert (text, origin) == (expected[index].label, expected[index].origin)
        assert np.array_equal(image, expected[index].image)


def test_seeds_give_different_pictures():
    assert len({np.asarray(source(seed)[index].image).tobytes() for seed in range(3) for index in range(10)}) == 30


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 100}, "100x32"),
        ({"clutter": 2.0}, "clutter 2.0"),
        ({"notes": 0}, "notes=0: .*256x32 .* 1 to 14"),
        ({"notes": 15}, "notes=15: .* width of 258"),
    ],
)
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_the_width_that_an_error_names_is_enough():
    assert source(notes=15, width=258)[0].label


def test_labels_are_of_the_alphabet_and_no_longer_than_told():
    texts = [source(1, notes=5, clutter=0.0)[index].label for index in range(200)]
    sizes = {len(MUSIC_PITCHES.encode(text)) for text in texts}
    assert sizes == {1, 2, 3, 4, 5}
    assert all(MUSIC_PITCHES.decode(MUSIC_PITCHES.encode(text)) == text for text in texts)


def test_every_pitch_is_drawn():
    tokens: set[str] = set()
    for seed in range(1500):
        random = np.random.default_rng(seed)
        clef = tuple(CLEFS)[seed % 3]
        tokens |= set(write(clef, compose(clef, random.uniform(*FLOORS), 16, 12, random)).split(" "))
    assert tokens == set(MUSIC_PITCHES.tokens)


@pytest.mark.parametrize("clef", CLEFS)
def test_pitches_are_named_as_in_a_primer(clef: str):
    steps = [step for step in range(-4, 18) if 0 <= CLEFS[clef] + step < len(MUSIC_PITCHES.tokens)]
    assert write(clef, [Event("quarter", False, step) for step in steps]).split() == [name_of(clef, s) for s in steps]


def test_rests_and_accidentals_are_no_part_of_the_label():
    events = [Event("half", True, None), Event("quarter", False, 0, "sharp"), Event("whole", False, None)]
    assert write("treble", events) == "E4"


@settings(max_examples=200)
@given(st.integers(0, 2**31), st.sampled_from(sorted(CLEFS)), st.sampled_from(sorted(TIMES)), st.integers(1, 40))
def test_bars_are_full_when_they_end(seed: int, clef: str, time: str, count: int):
    random = np.random.default_rng(seed)
    events = compose(clef, random.uniform(*FLOORS), TIMES[time], count, random)
    assert len(events) == count
    assert any(event.step is not None for event in events)
    played = Fraction(0)
    for event in events:
        played += Fraction(LENGTHS[event.length]) * (Fraction(3, 2) if event.dotted else 1)
        assert played <= TIMES[time]
        assert event.ends_bar == (played == TIMES[time])
        played = Fraction(0) if event.ends_bar else played


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("step", range(-4, 15))
def test_heads_stand_at_the_height_of_their_step(step: int, weight: float):
    sheet = Sheet(200, FLOOR, Style(weight, 1, 1))
    sheet.sign("black head", 8, step / 2)
    rows, columns = np.nonzero(sheet.ink > 127)
    bare = Sheet(200, FLOOR, Style(weight, 1, 1))
    bare.staff(0, 10)
    line = np.flatnonzero(bare.ink[:, 50])[::-1]  # of the five lines, from the lowest
    assert len(line) == 5
    assert rows.mean() == pytest.approx(line[0] - step * SPACE / 2, abs=0.8)
    assert columns.mean() == pytest.approx(8 * SPACE, abs=0.8)


@settings(max_examples=60)
@given(st.integers(0, 2**31), st.integers(1, 12))
def test_heads_are_whole_and_found_where_the_label_says(seed: int, count: int):
    """Black heads are what is left of the ink when thin lines are taken away."""
    random = np.random.default_rng(seed)
    steps = random.integers(-3, 13, count).tolist()
    events = [Event("quarter", False, step) for step in steps]
    ink = engrave("treble", "4/4", events, FLOOR, 1100, 0.0, random)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    left = cv2.morphologyEx((ink > 127).astype(np.uint8), cv2.MORPH_OPEN, disc)
    _, _, stats, centres = cv2.connectedComponentsWithStats(left)
    black = [(x, y) for (x, y), (*_, area) in zip(centres, stats, strict=True) if 70 < area < 200 and x > 3 * SPACE]
    base = (11.6 + FLOOR) * SPACE
    found = [(base - y) / SPACE * 2 for x, y in sorted(black)][-count:]
    assert found == pytest.approx(steps, abs=0.4)


@settings(max_examples=60)
@given(st.integers(0, 2**31))
def test_the_fullest_snippet_has_room(seed: int):
    random = np.random.default_rng(seed)
    width = round(11.6 * SPACE * 8)
    events = [Event("quarter", True, 4, "sharp", ends_bar=True)] * 14
    ink = engrave("bass", "6/8", events, FLOOR, width, 0.0, random)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    left = cv2.morphologyEx((ink > 127).astype(np.uint8), cv2.MORPH_OPEN, disc)
    assert ((cv2.connectedComponentsWithStats(left)[2][1:, 4]) > 70).sum() >= 14


@pytest.mark.parametrize("name", ["treble", "bass", "alto", "sharp", "whole rest", "flag down", "4"])
def test_glyphs_are_kept_and_not_to_be_changed(name: str):
    assert glyph(name, 1.0) is glyph(name, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        glyph(name, 1.0).mask[0, 0] = 1


def test_an_unknown_sign_is_named():
    with pytest.raises(KeyError, match="soprano"):
        glyph("soprano", 1.0)


def test_signs_at_the_edge_are_cut_off():
    sheet = Sheet(30, FLOOR, Style(1.0, 1, 1))
    for x, y in ((-20, 0), (0, 0), (2.5, 9), (2.5, -9), (40, 0), (1, 60)):
        sheet.sign("treble", x, y)
    assert sheet.ink.any()


@pytest.mark.parametrize(("x", "y"), [(0, 30.0), (0, -30.0), (-30.0, 0), (90.0, 0), (-30.0, 30.0)])
def test_signs_beyond_the_edge_are_left_out(x: float, y: float):
    sheet = Sheet(400, FLOOR, Style(WEIGHTS[1], 1, 1))
    sheet.sign("accent", x, y)
    assert not sheet.ink.any()


def test_without_clutter_ink_is_black_on_white():
    for index in range(20):
        image = np.asarray(source(4, clutter=0.0)[index].image)
        assert np.median(image) > 250
        assert image.min() < 60


def test_clutter_keeps_labels_and_contrast():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(40):
        assert clean[index].label == cluttered[index].label
        assert np.std(np.asarray(cluttered[index].image)) > 1.5


def test_data_specifications_know_it():
    opened = open_source("music:count=3,seed=5,notes=4")
    assert len(opened) == 3
    assert len(opened[2].label.split()) <= 4
    assert opened[2].origin == "music seed=5 index=2"
