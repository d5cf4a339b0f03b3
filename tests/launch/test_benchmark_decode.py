"""The benchmark of decoders runs, and what it says fits together; how long things take is not tested."""

import importlib.util

import numpy as np
import pytest

from launch.benchmarks import beam_contestants, beam_table, decode
from launch.benchmarks.beam_problem import KINDS, SHAPES, Shape, emissions
from launch.benchmarks.beam_table import RIVALS, Agreement

TINY = Shape(3, 8, 5, 4)


def test_reports_every_contestant_that_is_installed(capsys):
    table = beam_table.report([TINY], seconds=0.0, rounds=1)
    assert list(table) == [(TINY, kind) for kind in KINDS]
    installed = [bool(importlib.util.find_spec(module)) for module in ("fast_ctc_decode", *["ctc_beam_decoder"] * 2)]
    names = ["recog", *(name for name, there in zip(RIVALS, installed, strict=True) if there)]
    for results in table.values():
        assert list(results) == names
        assert results["recog"].agreement == Agreement(1.0, 0, 0)
        assert all(result.timing.seconds > 0 for result in results.values())
        assert all(result.agreement.share > 0.6 for result in results.values())
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[7:] == ["recog", *RIVALS * 3]
    assert lines[2].startswith("3x8x5x4         sharp")
    assert len(lines[0]) == len(lines[1]) == len(lines[2]) == len(lines[3])


def test_rivals_that_are_missing_are_left_out_and_named(monkeypatch, capsys):
    monkeypatch.setattr(beam_contestants.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(beam_table, "KINDS", ["sharp"])
    table = beam_table.report([TINY], seconds=0.0, rounds=1)
    assert all(list(results) == ["recog"] for results in table.values())
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[3:] == ["-"] * 6 + ["-"] * 3
    assert "fast-ctc-decode is not installed: pip install fast-ctc-decode" in lines
    assert "ctc-beam-decoder is not installed: pip install ctc-beam-decoder" in lines


def test_texts_that_differ_are_weighed_by_their_probability():
    logits = np.zeros((4, 2, 3), np.float32)
    logits[:, 0, 1] = 5.0
    logits[:, 1, 2] = 5.0
    ours, theirs = [(1, 2)] * 4, [(1, 2), (2, 1), (), (1, 2)]
    assert beam_table.compare(logits, ours, theirs) == Agreement(0.5, 2, 0)
    assert beam_table.compare(logits, theirs, ours) == Agreement(0.5, 0, 2)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_emissions_are_of_texts_and_sharp_ones_are_confident(shape, kind):
    logits = emissions(shape, kind)
    assert logits.shape == shape[:3]
    assert (logits.argmax(axis=2) > 0).any(axis=1).all()
    likely = 1 / np.exp(logits - logits.max(axis=2, keepdims=True)).sum(axis=2)
    assert (np.median(likely) > 0.99) == (kind == "sharp")


def test_a_misspelt_shape_is_named():
    assert decode.parse_shape("32x26x37x10") == Shape(32, 26, 37, 10)
    for text in ("32x26x37", "32x26x37xW", "0x1x2x3", "1x2x1x3"):
        with pytest.raises(ValueError, match=text):
            decode.parse_shape(text)
