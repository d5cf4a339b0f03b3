"""Verovio draws the notes that the labels tell."""

import runpy
import sys

import cv2
import numpy as np
import pytest

from datasets.specs import open_source
from recog.alphabet import MUSIC_PITCHES

pytest.importorskip("verovio", reason="the extra verovio is not installed")
pytest.importorskip("resvg_py", reason="the extra verovio is not installed")


def written(monkeypatch, folder, *flags):
    command = ["verovio_music", f"--out={folder}", *flags]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as end:
        runpy.run_module("launch.benchmarks.verovio_music", run_name="__main__")
    assert not end.value.code
    return open_source(f"folder:{folder}")


def test_snippets_are_drawn_and_labelled(monkeypatch, tmp_path):
    source = written(monkeypatch, tmp_path, "--count=6", "--margin=10,20")
    for index in range(6):
        encoded, label, _ = source[index]
        assert isinstance(encoded, bytes)
        image = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert MUSIC_PITCHES.decode(MUSIC_PITCHES.encode(label)) == label
        assert image.min() < 60
        assert np.median(image) == 255
        assert 0 < cv2.boundingRect((image[..., 0] < 128).astype(np.uint8))[1] < 40, "a margin, but no empty page"
