"""The mean picture is that of the pictures, whatever cannot be read."""

import numpy as np
import pytest

from datasets import mean_image as module
from datasets.mean_image import mean_image
from datasets.pipeline import DataConfig

CONFIG = DataConfig(height=6, width=8, channels=3)
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 6, 8, 3)).astype(np.uint8)


def test_it_is_the_mean_of_the_chosen_pictures(make_folder):
    source = make_folder([(picture, "1") for picture in PICTURES])
    np.testing.assert_allclose(mean_image(source, range(5), CONFIG), PICTURES.mean(axis=0))
    np.testing.assert_allclose(mean_image(source, np.array([1, 3]), CONFIG), PICTURES[[1, 3]].mean(axis=0))


def test_pictures_are_brought_to_the_size_first(make_folder):
    source = make_folder([(np.full((12, 31, 3), 40, np.uint8), "1"), (np.full((3, 2, 3), 80, np.uint8), "2")])
    mean = mean_image(source, [0, 1], DataConfig(height=6, width=8, channels=1))
    np.testing.assert_allclose(mean, np.full((6, 8, 1), 60.0))


def test_what_cannot_be_read_is_left_out(make_folder):
    source = make_folder([(PICTURES[0], "1"), (b"no picture", "2"), (None, "3")])
    np.testing.assert_allclose(mean_image(source, range(3), CONFIG), PICTURES[0])
    with pytest.raises(ValueError, match="no picture can be read"):
        mean_image(source, [1, 2], CONFIG)


def test_of_many_pictures_some_are_taken_from_all_over_the_set(make_folder, monkeypatch):
    monkeypatch.setattr(module, "ENOUGH", 2)
    source = make_folder([(picture, "1") for picture in PICTURES])
    np.testing.assert_allclose(mean_image(source, range(5), CONFIG), PICTURES[[0, 4]].mean(axis=0))


def test_pictures_of_many_widths_have_no_mean(make_folder):
    with pytest.raises(ValueError, match=r"set data\.width"):
        mean_image(make_folder([(PICTURES[0], "1")]), [0], DataConfig(height=6))
