"""Maps of a reader whose evidence is known."""

import numpy as np
import pytest

from recog.ctc import BeamSearch, compile_pattern
from recog.explaining import explain
from tests.explaining.planted import CODEC, VARIABLES, on_stroke, paint, stroke_task

STROKES = [(0, 0, 4), (1, 8, 20), (0, 16, 32), (0, 4, 48)]
"""Tokens 0, 1, 0, 0, at different heights."""


@pytest.mark.parametrize("decoder", [None, BeamSearch(beam_width=4)], ids=["best_path", "beam"])
def test_the_map_of_each_character_lies_on_its_own_stroke(decoder):
    images = np.stack([paint(24, 64, STROKES), paint(24, 64, STROKES[1:3])])
    found = explain(stroke_task(decoder), VARIABLES, images, np.array([[24, 64], [24, 64]]))
    for each, strokes in zip(found, (STROKES, STROKES[1:3]), strict=True):
        assert each.characters == tuple(str(token) for token, *_ in strokes)
        for evidence, stroke in zip(each.maps, strokes, strict=True):
            assert on_stroke(evidence, stroke) > 0.999
            assert evidence[stroke[1] + 4, stroke[2] + 1] > 0.6
            assert evidence.max() == 1


def test_the_text_that_a_pattern_forces_is_explained_where_it_fits_best():
    decoder = BeamSearch(beam_width=8, automaton=compile_pattern("11", CODEC.alphabet))
    strokes = [(0, 0, 4), (1, 8, 20), (1, 8, 40)]
    (each,) = explain(stroke_task(decoder), VARIABLES, paint(24, 64, strokes)[None], np.array([[24, 64]]))
    assert each.characters == ("1", "1")
    for evidence, stroke in zip(each.maps, strokes[1:], strict=True):
        assert on_stroke(evidence, stroke) > 0.95


def test_padding_rows_without_samples_and_empty_readings():
    pictures = [paint(24, 40, STROKES[:2]), paint(24, 40, []), paint(24, 40, STROKES[:1])]
    images = np.pad(np.stack(pictures), ((0, 0), (0, 0), (0, 24), (0, 0)))
    images[:, :, 48:52] = 255  # padding that would be read
    found = explain(stroke_task(), VARIABLES, images, np.array([[24, 40], [24, 40], [0, 0]]))
    assert [each.characters for each in found] == [("0", "1"), (), ()]
    assert [each.maps.shape for each in found] == [(2, 24, 40), (0, 24, 40), (0, 0, 0)]
    assert [len(each.heats["text"]) for each in found[:2]] == [10, 10]
    assert all(on_stroke(*pair) > 0.999 for pair in zip(found[0].maps, STROKES, strict=False))


def test_pictures_beyond_one_chunk_are_explained_like_the_first():
    images, sizes = np.stack([paint(24, 64, STROKES)] * 19), np.full((19, 2), (24, 64))
    found = explain(stroke_task(), VARIABLES, images, sizes)
    assert len(found) == 19
    for each in found[1:]:
        np.testing.assert_array_equal(each.maps, found[0].maps)
        np.testing.assert_array_equal(each.heats["text"], found[0].heats["text"])


def test_no_pictures_have_no_explanations():
    assert explain(stroke_task(), VARIABLES, np.zeros((0, 24, 64, 3), np.uint8), np.zeros((0, 2), np.int32)) == []
