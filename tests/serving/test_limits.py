"""Pictures are refused by the size that their header claims, whatever their format."""

import io

import numpy as np
import pytest
from PIL import Image

from recog.serving.claimed_size import claimed_size
from recog.serving.limits import Limits, check_picture
from recog.serving.refusals import NotAPictureError, TooLargeError

FORMATS = ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM"]


def encoded(name: str, height: int, width: int, **settings) -> bytes:
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(file, name, **settings)
    return file.getvalue()


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("size", [(1, 1), (37, 300), (300, 37)], ids=str)
def test_the_claimed_size_is_that_of_the_picture(name, size):
    assert claimed_size(encoded(name, *size)) == size


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("WEBP", {"lossless": True}),
        ("WEBP", {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"}),
        ("JPEG", {"progressive": True}),
        ("JPEG", {"comment": b"\xff\xc0 not a frame"}),
    ],
    ids=str,
)
def test_variants_of_formats(name, settings):
    assert claimed_size(encoded(name, 21, 40, **settings)) == (21, 40)


@pytest.mark.parametrize("name", FORMATS)
def test_too_many_pixels_are_refused_before_decoding(name):
    content = encoded(name, 100, 101)
    check_picture(content, Limits(pixels=10_100))
    with pytest.raises(TooLargeError, match="101 x 100"):
        check_picture(content, Limits(pixels=10_099))


@pytest.mark.parametrize("name", FORMATS)
def test_no_beginning_of_a_picture_makes_trouble(name):
    content = encoded(name, 30, 40)
    for length in range(0, 200):
        assert claimed_size(content[:length]) in (None, (30, 40))


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"<svg/>", b"\0" * 100, b"P6 x", b"\x89PNG\r\n\x1a\n"])
def test_other_content_is_not_a_picture(content):
    with pytest.raises(NotAPictureError, match="PNG, JPEG"):
        check_picture(content, Limits())


def test_limits_must_be_positive_and_fit_each_other():
    with pytest.raises(ValueError, match="pixels=0"):
        Limits(pixels=0)
    with pytest.raises(ValueError, match="files=64"):
        Limits(queue=10)
