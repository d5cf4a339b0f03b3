"""Rendered plates: a pure function of seed and index, labels that plates carry, every character in its place."""

import collections
import hashlib
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.synthetic.plate_glyphs import bend, plate_glyph
from datasets.synthetic.plate_strokes import CHINESE, HEIGHT, LATIN, WIDTH
from datasets.synthetic.plates import (
    DIGITS,
    KINDS,
    LETTERS,
    PLATE_HEIGHT,
    PROVINCES,
    Plates,
    PlatesConfig,
    draw_plate,
    draw_text,
)
from recog.alphabet import CHINESE_PLATES

ORDINARY = re.compile(f"[{PROVINCES}][A-HJ-NP-Z][0-9A-HJ-NP-Z]{{5}}")
ELECTRIC = re.compile(f"[{PROVINCES}][A-HJ-NP-Z]([A-HJK][0-9A-HJ-NP-Z][0-9]{{4}}|[0-9]{{5}}[A-HJK])")
POLICE = re.compile(f"[{PROVINCES}][A-HJ-NP-Z][0-9A-HJ-NP-Z]{{4}}警")
SCALE = 0.6
"""Pixels for a millimetre of a drawn plate."""


def source(seed: int = 0, **fields) -> Plates:
    return Plates(PlatesConfig(seed=seed, **fields))


def digest(stream: Plates, count: int) -> str:
    found = hashlib.sha256()
    for index in range(count):
        image, text, _ = stream[index]
        found.update(np.asarray(image).tobytes() + text.encode())
    return found.hexdigest()


def texts_of(kind: str, count: int, **home) -> list[str]:
    return [draw_text(kind, np.random.default_rng([7, index]), **home) for index in range(count)]


@pytest.mark.parametrize(("height", "width"), [(48, 188), (24, 94), (16, 48), (60, 100)])
def test_samples_are_uint8_rgb_of_the_configured_size(height, width):
    image, text, origin = source(3, height=height, width=width)[5]
    assert isinstance(image, np.ndarray)
    assert (image.shape, image.dtype, origin) == ((height, width, 3), np.uint8, "plates seed=3 index=5")
    assert len(text) in (7, 8)


def test_samples_are_the_same_in_any_order_thread_and_copy():
    expected = digest(source(9), 40)
    backward = source(9)
    for index in reversed(range(40)):
        backward[index]
    assert digest(backward, 40) == expected
    assert digest(pickle.loads(pickle.dumps(source(9))), 40) == expected
    plate_glyph.cache_clear()  # so that threads fill it together
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(source(9).__getitem__, range(40)))
    assert all(np.array_equal(one.image, source(9)[index].image) for index, one in enumerate(together))


def test_a_config_changed_later_changes_no_sample():
    config = PlatesConfig(seed=4)
    stream = Plates(config)
    expected = digest(stream, 5)
    config.clutter, config.home, config.home_share = 0.0, "皖", 1.0
    assert digest(stream, 5) == expected


def test_seeds_give_different_pictures():
    assert len({np.asarray(source(seed)[index].image).tobytes() for seed in range(3) for index in range(20)}) == 60


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"height": 15}, "188x15"),
        ({"width": 47}, "47x48"),
        ({"clutter": 1.1}, "clutter 1.1"),
        ({"count": -1}, "count -1"),
        ({"seed": -1}, "seed -1"),
        ({"blue": -0.1}, r"blue, .*\[-0\.1, "),
        ({"blue": 0, "green": 0, "yellow": 0, "black": 0}, r"blue, .*\[0.*, 0"),
        ({"blue": float("nan")}, r"blue, .*\[nan, "),
        ({"home": "X"}, "home='X' .*京"),
        ({"home": "京沪"}, "home='京沪'"),
        ({"home_share": 1.2}, r"home_share=1\.2"),
        ({"home_share": -0.1}, r"home_share=-0\.1"),
    ],
)
def test_settings_that_cannot_be_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_labels_of_the_default_kinds_are_within_the_alphabet_of_plates():
    stream = source(1)
    for kind in ("blue", "green", "yellow", "black"):
        for text in texts_of(kind, 500):
            assert CHINESE_PLATES.decode(CHINESE_PLATES.encode(text)) == text
    for index in range(100):
        CHINESE_PLATES.encode(stream[index].label)


@pytest.mark.parametrize(("kind", "pattern"), [("blue", ORDINARY), ("yellow", ORDINARY), ("white", POLICE)])
def test_ordinary_plates_have_seven_characters(kind, pattern):
    texts = texts_of(kind, 3000)
    assert all(pattern.fullmatch(text) for text in texts)
    assert {text[0] for text in texts} == set(PROVINCES)
    assert {text[1] for text in texts} == set(LETTERS)
    inner = collections.Counter("".join(text[2:6] for text in texts))
    assert set(inner) == set(DIGITS + LETTERS)
    letters = collections.Counter(sum(sign in LETTERS for sign in text[2:]) for text in texts)
    assert set(letters) == {0, 1, 2, 3}


def test_green_plates_have_eight_characters_and_the_mark_of_their_kind():
    texts = texts_of("green", 4000)
    assert all(ELECTRIC.fullmatch(text) for text in texts)
    marks = collections.Counter(text[-1] if text[-1] in LETTERS else text[2] for text in texts)
    assert set(marks) == set("DABCEFGHJK")
    assert 0.5 < marks["D"] / len(texts) < 0.7
    assert 0.1 < marks["F"] / len(texts) < 0.2
    assert 0.07 < np.mean([text[-1] in LETTERS for text in texts]) < 0.13, "large vehicles carry it last"


def test_i_and_o_stand_on_no_plate():
    assert not set("".join("".join(texts_of(kind, 2000)) for kind in KINDS)) & set("IO")


def test_a_share_of_the_plates_comes_from_home():
    at_home = np.mean([text[0] == "皖" for text in texts_of("blue", 4000, home="皖", home_share=0.6)])
    assert abs(at_home - (0.6 + 0.4 / len(PROVINCES))) < 0.03
    assert {text[0] for text in texts_of("blue", 50, home="皖", home_share=1.0)} == {"皖"}
    provinces = collections.Counter(text[0] for text in texts_of("blue", 6200))
    assert max(provinces.values()) < 1.5 * min(provinces.values()), "drawn evenly without a home"
    assert {sample.label[0] for sample in map(source(home="新", home_share=1.0).__getitem__, range(20))} == {"新"}


def test_the_letter_of_capitals_is_the_most_common():
    second = collections.Counter(text[1] for text in texts_of("blue", 5000))
    assert abs(second["A"] / 5000 - (0.25 + 0.75 / len(LETTERS))) < 0.03
    del second["A"]
    assert max(second.values()) < 1.5 * min(second.values()), "the others are drawn evenly"


@pytest.mark.parametrize("kind", KINDS)
def test_a_weight_alone_gives_plates_of_its_kind_in_their_colour(kind):
    weights = dict.fromkeys(KINDS, 0.0) | {kind: 2.0}
    stream = source(2, clutter=0.0, **weights)
    for index in range(10):
        image, text, _ = stream[index]
        assert len(text) == (8 if kind == "green" else 7)
        assert text.endswith("警") == (kind == "white")
        lower = np.asarray(image)[-16:].astype(int)  # green plates are white at the top
        ground = np.abs(lower - KINDS[kind].ground).max(axis=2) < 60
        assert ground.mean() > 0.3


def test_kinds_come_in_the_shares_of_their_weights():
    eight = np.mean([len(source(3, height=16, width=48)[index].label) == 8 for index in range(600)])
    assert 0.07 < eight < 0.18


def columns_of(kind: str, place: int) -> tuple[int, int]:
    """Where the standard puts a character of a plate, pixels: from its left to its right edge."""
    look = KINDS[kind]
    left = look.left + (WIDTH + look.gap) * (place > 0)
    left += (look.narrow + look.dot_gap) * (place > 1) + max(0, place - 2) * (look.narrow + look.gap)
    return round(left * SCALE), round((left + (look.narrow if place else WIDTH)) * SCALE)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**31), kind=st.sampled_from(["blue", "green", "yellow", "black", "white"]), data=st.data())
def test_each_character_stands_in_its_place_and_nowhere_else(seed, kind, data):
    text = draw_text(kind, np.random.default_rng(seed))
    place = data.draw(st.integers(1, len(text) - 1 - (kind == "white")))
    other = data.draw(st.sampled_from(sorted(set(DIGITS + LETTERS) - {text[place]})))
    changed = text[:place] + other + text[place + 1 :]
    one, two = (draw_plate(label, kind, 0.0, np.random.default_rng(seed)).astype(int) for label in (text, changed))
    assert one.shape == (round(PLATE_HEIGHT * SCALE), round(KINDS[kind].length * SCALE), 3)
    rows, columns = np.nonzero(np.abs(one - two).max(axis=2) > 20)
    left, right = columns_of(kind, place)
    assert len(rows) > 20, "different characters look different"
    assert columns.min() >= left - 1
    assert columns.max() <= right + 1
    margin = (PLATE_HEIGHT - HEIGHT) / 2 * SCALE
    assert rows.min() >= margin - 1
    assert rows.max() <= one.shape[0] - margin + 1


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_character_ends_before_the_rim(kind):
    last = 7 if kind == "green" else 6
    left, right = columns_of(kind, last)
    assert left > 0
    assert right < round(KINDS[kind].length * SCALE) - 5


def test_without_clutter_the_plate_fills_the_picture():
    for index in range(20):
        image = np.asarray(source(5, clutter=0.0, green=0.0, yellow=0.0, black=0.0)[index].image, np.float32)
        blue = image[..., 2] > image[..., 0] + 60
        ink = image.min(axis=2) > 120
        assert (blue | ink)[1:-1, 1:-1].mean() > 0.9
        assert ink[14:-14, 8:].mean() > 0.1


def test_clutter_keeps_labels_and_changes_pictures():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(30):
        assert len(clean[index].label) == len(cluttered[index].label)
        assert clean[index].label == cluttered[index].label
        assert not np.array_equal(clean[index].image, cluttered[index].image)


def test_full_clutter_leaves_contrast_in_nearly_all():
    deviations = np.array([np.std(np.asarray(source(6)[index].image)) for index in range(200)])
    assert (deviations > 8).mean() > 0.95


def test_plates_look_different():
    means = [float(np.mean(np.asarray(source(5)[index].image))) for index in range(200)]
    assert min(means) < 50
    assert max(means) > 150


@pytest.mark.parametrize("character", [*DIGITS, *LETTERS, *PROVINCES, "警"])
def test_glyphs_fill_their_box_with_ink(character):
    mask = plate_glyph(character, 27, 54, 9.0)
    assert (mask.shape, mask.dtype) == ((54, 27), np.uint8)
    assert 0.1 < mask.mean() / 255 < 0.75
    rows, columns = np.nonzero(mask > 100)
    assert rows.min() <= 4
    assert rows.max() >= 49
    if character not in "1J":
        assert columns.min() <= 4
        assert columns.max() >= 22
    with pytest.raises(ValueError, match="read-only"):
        mask[0, 0] = 0


def test_all_characters_of_plates_have_strokes_within_their_cell():
    assert set(PROVINCES) == set(CHINESE)
    assert set(DIGITS + LETTERS) <= set(LATIN)
    for strokes in [*CHINESE.values(), *LATIN.values()]:
        points = np.concatenate([np.array(stroke) for stroke in strokes])
        assert (points >= 2).all()
        assert (points <= (WIDTH - 2, HEIGHT - 2)).all()


def thickness(character: str) -> float:
    """Median length of the horizontal runs of ink, pixels: the width of upright strokes."""
    ink = np.pad(plate_glyph(character, 90, 180, 9.0) > 127, ((0, 0), (1, 1))).astype(int)
    changes = np.diff(ink, axis=1)
    return float(np.median(np.nonzero(changes == -1)[1] - np.nonzero(changes == 1)[1]))


def test_chinese_strokes_are_thinner_than_those_of_digits_and_thinner_the_more_there_are():
    assert thickness("赣") < thickness("川") < thickness("1")


def test_a_one_is_a_bare_bar():
    mask = plate_glyph("1", 45, 90, 9.0)
    rows = mask[5:85] > 127
    assert (rows.sum(axis=1) == rows.sum(axis=1)[0]).all()
    assert rows[:, 20:28].all()


def test_provinces_printed_with_a_font_look_different():
    for character in PROVINCES:
        drawn, printed = (plate_glyph(character, 27, 54, 9.0, printed) for printed in (False, True))
        assert np.abs(drawn.astype(int) - printed).mean() > 5


def test_glyphs_are_all_different_and_thicken_with_their_weight():
    signs = DIGITS + LETTERS + PROVINCES
    assert len({plate_glyph(sign, 27, 54, 9.0).tobytes() for sign in signs}) == len(signs)
    for sign in signs:
        thin, thick = (plate_glyph(sign, 45, 90, weight).mean() for weight in (8.0, 11.0))
        assert thin < thick


@settings(max_examples=100)
@given(st.integers(0, 2**31), st.floats(0, 0.49))
def test_bent_glyphs_keep_box_ends_and_order(seed: int, amount: float):
    ramps = np.mgrid[:90, :45].astype(np.uint8)  # rows and columns tell where each pixel came from
    for axis, length in ((0, 90), (1, 45)):
        came_from = bend(ramps[axis], amount, np.random.default_rng(seed)).astype(int)
        assert came_from.shape == (90, 45)
        assert (np.diff(came_from, axis=axis) >= 0).all()
        assert abs(came_from - ramps[axis]).max() <= 0.47 * amount * length + 1
        assert came_from.min() <= 1
        assert came_from.max() >= length - 2
    mask = plate_glyph("皖", 45, 90, 9.0)
    np.testing.assert_array_equal(bend(mask, 0.0, np.random.default_rng(seed)), mask)
