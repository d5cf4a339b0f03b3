"""Sizes from headers, against those of decoded pictures."""

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from recog import picture_size as module
from recog.images import UnreadableImageError, decode
from recog.picture_size import picture_size

PIXELS = np.zeros((7, 12, 3), np.uint8)


def encoded(suffix: str, orientation: int = 0, **options) -> bytes:
    file, exif = io.BytesIO(), Image.Exif()
    if orientation:
        exif[274] = orientation
    Image.fromarray(PIXELS).save(file, suffix, exif=exif, **options)
    return file.getvalue()


@pytest.mark.parametrize("suffix", ["png", "jpeg", "webp", "tiff", "bmp"])
@pytest.mark.parametrize("orientation", range(9))
def test_sizes_are_those_of_decoded_pictures(suffix, orientation):
    content = encoded(suffix, orientation if suffix != "bmp" else 0)
    assert picture_size(content) == decode(content, 3).shape[:2]


@pytest.mark.parametrize("content", [encoded("png"), encoded("jpeg", 6), encoded("jpeg", progressive=True)])
def test_common_files_are_not_decoded(content, monkeypatch):
    monkeypatch.setattr(module, "decode", None)
    assert picture_size(content) in [(7, 12), (12, 7)]


def test_other_byte_orders_and_long_segments():
    content = cv2.imencode(".jpg", PIXELS)[1].tobytes()
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0"
    segments = [
        b"\xff\xe5" + (2 + 3000).to_bytes(2, "big") + b"\xff\xc0" * 1500,
        b"\xff\xe1\0" + bytes([2 + len(exif)]) + exif,
    ]
    content = content[:2] + b"".join(segments) + content[2:]
    assert picture_size(content) == decode(content, 3).shape[:2] == (12, 7)


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"text"])
def test_no_picture_is_refused(content):
    with pytest.raises(UnreadableImageError):
        picture_size(content)
