"""Drawn labels against cells resized with OpenCV; boxes against pictures whose text stands at known places."""

import os
from pathlib import Path

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.alphabet import ARITHMETIC, CHINESE_PLATES, DIGITS, LATIN_94, MUSIC_PITCHES, Alphabet
from recog.drawing import Box, alignment_box, draw_labels, glyph_atlas
from recog.images import decode

PLATES = Path(os.environ.get("RECOG_REAL_DATA", "")) / "plates_cn" / "labels.tsv"

SIZE = (24, 94)
BOX = Box(5, 3, 19, 92)
SLOTS = 9
ATLAS = glyph_atlas(CHINESE_PLATES)


def compiled(atlas, box=BOX, size=SIZE):
    return jax.jit(lambda labels, lengths: draw_labels(atlas, labels, lengths, size=size, box=box))


draw_plates = compiled(ATLAS)


def encode(alphabet, *texts, fill=0):
    """Labels in `SLOTS` slots, with ``fill`` beyond their lengths."""
    labels = np.full((len(texts), SLOTS), fill, np.int32)
    for row, text in enumerate(texts):
        tokens = alphabet.encode(text)
        labels[row, : len(tokens)] = tokens
    return labels, np.array([len(alphabet.split(text)) for text in texts], np.int32)


def line(atlas, alphabet, text):
    """The label's cells side by side."""
    return np.hstack([atlas[token] for token in alphabet.encode(text)])


def inside(box, picture):
    return picture[box.top : box.bottom, box.left : box.right]


def shrink(line, box, size=SIZE):
    """Averages areas with OpenCV, whose method does so only where both axes shrink."""
    picture = np.zeros(size, np.float32)
    width, height = box.right - box.left, box.bottom - box.top
    inside(box, picture)[:] = cv2.resize(line, (width, height), interpolation=cv2.INTER_AREA)
    return picture


def average(line, box, size=SIZE):
    """Averages areas after repeating pixels until those of the box are made of whole ones."""
    picture = np.zeros(size)
    (height, width), rows, columns = line.shape, box.bottom - box.top, box.right - box.left
    fine = line.astype(np.float64).repeat(rows, axis=0).repeat(columns, axis=1)
    inside(box, picture)[:] = fine.reshape(rows, height, columns, width).mean(axis=(1, 3))
    return picture


def ink_box(picture):
    """Left, top, width, height."""
    return cv2.boundingRect((picture > 0.05).astype(np.uint8))


@settings(max_examples=40)
@given(
    st.lists(st.text(CHINESE_PLATES.tokens, min_size=3, max_size=SLOTS), min_size=4, max_size=4),
    st.integers(0, CHINESE_PLATES.classes - 1),
)
def test_drawings_are_the_cells_side_by_side_shrunk_by_opencv(texts, fill):
    """Labels of several lengths in one batch; what stands beyond a length is not drawn."""
    drawn = draw_plates(*encode(CHINESE_PLATES, *texts, fill=fill))
    assert drawn.shape == (4, *SIZE)
    assert drawn.dtype == jnp.float32
    expected = [shrink(line(ATLAS, CHINESE_PLATES, text), BOX) for text in texts]
    np.testing.assert_allclose(drawn, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        (BOX, SIZE),
        (Box(0, 0, 24, 94), SIZE),
        (Box(23, 93, 24, 94), SIZE),
        (Box(0, 0, 1, 5), SIZE),
        (Box(0, 70, 24, 73), SIZE),
        (Box(3, 10, 40, 110), (50, 120)),
    ],
    ids=str,
)
def test_a_pixel_is_the_mean_of_what_it_covers_however_large_the_box(box, size):
    texts = ["京", "沪A", "京A12345", "皖AB12345D"]
    drawn = compiled(ATLAS, box, size)(*encode(CHINESE_PLATES, *texts))
    expected = [average(line(ATLAS, CHINESE_PLATES, text), box, size) for text in texts]
    np.testing.assert_allclose(drawn, expected, atol=2e-5)


def test_nothing_is_drawn_around_the_box_nor_for_an_empty_label():
    drawn = np.array(draw_plates(*encode(CHINESE_PLATES, "京A12345", "", "888888888", fill=7)))
    assert inside(BOX, drawn[0]).any()
    assert not drawn[1].any()
    for picture in drawn:
        inside(BOX, picture)[:] = 0
    assert not drawn.any()


@pytest.mark.parametrize("alphabet", [DIGITS, Alphabet("0123456789", blank="last")], ids=["first", "last"])
def test_the_place_of_the_blank_changes_no_drawing(alphabet):
    atlas = glyph_atlas(alphabet)
    assert not atlas[alphabet.blank_id].any()
    np.testing.assert_array_equal(np.delete(atlas, alphabet.blank_id, axis=0), glyph_atlas(DIGITS)[1:])
    drawn = compiled(atlas)(*encode(alphabet, "407", "1"))
    np.testing.assert_allclose(drawn[0], shrink(line(glyph_atlas(DIGITS), DIGITS, "407"), BOX), atol=1e-4)


@pytest.mark.parametrize(
    "box", [Box(5, 3, 5, 92), Box(5, 92, 19, 3), Box(-1, 3, 19, 92), Box(5, 3, 25, 92), Box(5, 3, 19, 95)], ids=str
)
def test_a_box_that_is_empty_or_reaches_out_is_refused(box):
    with pytest.raises(ValueError, match=r"Box\(.*94x24 pixels"):
        compiled(ATLAS, box)(*encode(CHINESE_PLATES, "京"))


cells = st.integers(8, 70)


@settings(max_examples=40)
@given(st.sampled_from([DIGITS, ARITHMETIC, LATIN_94, CHINESE_PLATES, MUSIC_PITCHES]), cells, cells)
def test_every_token_is_drawn_whole_at_any_size(alphabet, height, width):
    atlas = glyph_atlas(alphabet, height, width)
    assert atlas.shape == (alphabet.classes, height, width)
    assert atlas.dtype == np.float32
    assert not atlas.flags.writeable
    assert atlas.min() == 0
    assert atlas.max() <= 1
    assert [bool(cell.any()) for cell in atlas] == [n != alphabet.blank_id for n in range(alphabet.classes)]


def test_drawing_is_deterministic():
    glyph_atlas.cache_clear()
    again = glyph_atlas(CHINESE_PLATES)
    np.testing.assert_array_equal(again, ATLAS)
    assert glyph_atlas(CHINESE_PLATES) is again
    labels = encode(CHINESE_PLATES, "京A12345", "沪")
    np.testing.assert_array_equal(draw_plates(*labels), compiled(ATLAS)(*labels))


def test_all_glyphs_have_the_scale_and_the_baseline_of_the_font():
    atlas = glyph_atlas(LATIN_94, 64, 64)
    large = np.zeros((600, 3600), np.uint8)
    for place, token in enumerate("HIWx.-gE"):
        cv2.putText(large, token, (150 + 450 * place, 400), (255,), cv2.FontFace("sans"), 300, 400)
    tall = ink_box(large[:, :450])[3] / ink_box(atlas[LATIN_94.encode("H")[0]])[3]
    baselines = []
    for place, token in enumerate("HIWx.-gE"):
        left, top, width, height = ink_box(atlas[LATIN_94.encode(token)[0]])
        _, large_top, large_width, large_height = ink_box(large[:, 450 * place : 450 * place + 450])
        assert (width * tall, height * tall) == pytest.approx((large_width, large_height), abs=2 * tall)
        assert left + width / 2 == pytest.approx(32, abs=1.5)
        baselines.append(top + (400 - large_top) / tall)
    assert np.ptp(baselines) < 2


def test_chinese_is_drawn_and_every_character_differs():
    provinces = ATLAS[:31]
    assert len({cell.tobytes() for cell in ATLAS}) == len(ATLAS)
    assert min(ink_box(cell)[3] for cell in provinces) > 20


@pytest.mark.parametrize(
    ("alphabet", "message"),
    [
        (Alphabet("AB\ue000"), r"cannot draw '\\ue000' of token '\\ue000'"),
        (Alphabet(["clef", "note\u0e01"], separator=" "), "cannot draw 'ก' of token 'noteก'"),
        (Alphabet("A\u200b"), r"cannot draw '\\u200b'"),
    ],
)
def test_a_token_without_a_picture_is_refused_by_name(alphabet, message):
    with pytest.raises(ValueError, match=message):
        glyph_atlas(alphabet)


def test_the_question_mark_is_a_picture_and_a_space_is_none():
    atlas = glyph_atlas(Alphabet("? "))
    assert [bool(cell.any()) for cell in atlas] == [False, True, False]
    assert not glyph_atlas(Alphabet(" ")).any()


def test_long_tokens_shrink_until_they_fit():
    alphabet = Alphabet(["H", "HHHHH"], separator=" ")
    _, one, five = (ink_box(cell) for cell in glyph_atlas(alphabet))
    assert five[3] < one[3] / 3
    assert 26 <= five[2] <= 31
    middle = [top + height / 2 for _, top, _, height in (one, five)]
    assert middle == pytest.approx([16, 16], abs=1)


def test_cells_too_small_for_a_glyph_are_refused():
    with pytest.raises(ValueError, match="atlas cells of 7x32 pixels"):
        glyph_atlas(DIGITS, 32, 7)


@settings(max_examples=100)
@given(st.data())
def test_the_box_is_where_the_characters_are(data):
    """Seven blocks on an even ground, lighter or darker, with noise and a few marks outside."""
    height, width = 24, 94
    top, left = data.draw(st.integers(1, 10)), data.draw(st.integers(1, 30))
    bottom, right = data.draw(st.integers(top + 6, height - 1)), data.draw(st.integers(left + 40, width - 1))
    ground, ink = data.draw(st.sampled_from([(60, 140), (140, 60), (20, 50), (240, 200)]))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    edges = np.linspace(left, right, 8).astype(int)
    picture = np.full((height, width, 3), ground, np.float32)
    for start, end in zip(edges[:-1], [*(edges[1:-1] - 1), right], strict=True):
        picture[top:bottom, start:end] = ink
    picture[0, random.integers(0, width, 2)] = ink  # bright specks in a row and a column of their own
    picture += random.uniform(-5, 5, picture.shape)
    expected = Box(top, left, bottom, right)
    assert alignment_box(picture) == expected
    assert alignment_box(picture.astype(np.uint8)) == expected
    assert alignment_box(picture.mean(axis=2)) == expected
    assert alignment_box(picture.mean(axis=2, keepdims=True)) == expected
    assert alignment_box(255 - picture) == expected


def test_the_box_of_drawn_labels_is_that_of_their_ink():
    random = np.random.default_rng(0)
    texts = ["".join(random.choice(CHINESE_PLATES.tokens[31:-2], 7)) for _ in range(200)]
    mean = 255 * np.asarray(draw_plates(*encode(CHINESE_PLATES, *texts))).mean(axis=0)
    left, top, width, height = cv2.boundingRect((mean > 8).astype(np.uint8))
    for picture in (mean, 255 - mean, 100 + mean / 4):
        np.testing.assert_allclose(alignment_box(picture), (top, left, top + height, left + width), atol=1)


def test_projections_are_cut_at_the_shares_given():
    picture = np.full((20, 60), 50, np.uint8)
    picture[6:14, 10:50] = 150
    picture[14, 10:22] = 150  # a row with 12 of 40
    picture[8:10, 50:55] = 150  # columns with 2 of 8 or 9
    assert alignment_box(picture) == Box(6, 10, 14, 50)
    assert alignment_box(picture, rows=0.25) == Box(6, 10, 15, 50)
    assert alignment_box(picture, columns=0.2) == Box(6, 10, 14, 55)
    assert alignment_box(picture, rows=1.0, columns=1.0) == Box(8, 10, 10, 22)


@pytest.mark.parametrize("shape", [(24, 94, 3), (24, 94, 1), (24, 94)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float64])
def test_without_contrast_the_box_is_the_whole_picture(shape, dtype):
    assert alignment_box(np.full(shape, 77, dtype)) == Box(0, 0, 24, 94)
    assert alignment_box(77 + np.random.default_rng(0).uniform(0, 0.4, shape)) == Box(0, 0, 24, 94)


@pytest.mark.parametrize("shares", [{"rows": 0}, {"columns": 1.1}, {"rows": float("nan")}])
def test_shares_outside_their_range_are_refused(shares):
    with pytest.raises(ValueError, match=r"rows=.*columns=.*above 0"):
        alignment_box(np.zeros((24, 94)), **shares)


@pytest.mark.skipif(not PLATES.is_file(), reason="needs the plates under RECOG_REAL_DATA")
def test_labels_are_drawn_over_the_characters_of_real_plates():
    """Plates look like their own drawing more than like the next plate's, and most where it stands."""
    entries = [entry.split("\t") for entry in PLATES.read_text(encoding="utf-8").splitlines()]
    pictures = np.stack([decode((PLATES.parent / path).read_bytes(), 3) for path, _ in entries])
    box = alignment_box(pictures.mean(axis=0))
    np.testing.assert_allclose(box, (5, 3, 19, 91), atol=1)
    drawn = np.asarray(compiled(ATLAS, box)(*encode(CHINESE_PLATES, *(text for _, text in entries))))

    def likeness(drawn):
        pairs = zip(pictures.mean(axis=3), drawn, strict=True)
        return np.mean([np.corrcoef(picture.ravel(), drawing.ravel())[0, 1] for picture, drawing in pairs])

    own = likeness(drawn)
    assert own > 1.05 * likeness(np.roll(drawn, 1, axis=0))
    assert all(own > likeness(np.roll(drawn, (y, x), (1, 2))) for y, x in ((-2, 0), (2, 0), (0, -2), (0, 2)))
