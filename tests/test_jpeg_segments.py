"""JPEG files cut short and filled up with zeros, with and without an Exif thumbnail."""

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.images import UnreadableImageError, decode
from recog.jpeg_segments import has_end

PICTURE = np.random.default_rng(0).integers(0, 256, (24, 48, 3), np.uint8)
"""Noise, whose scan is so long that zeros in its place still decode to all of its pixels."""
SCAN = b"\xff\xda"


def encoded(*settings: int) -> bytes:
    return cv2.imencode(".jpg", PICTURE, [cv2.IMWRITE_JPEG_QUALITY, 95, *settings])[1].tobytes()


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    """The file with a segment after its start marker."""
    return jpeg[:2] + struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content + jpeg[2:]


def with_thumbnail(jpeg: bytes) -> bytes:
    """The file with an Exif segment of two directories, the second of which holds a whole JPEG file."""
    small = cv2.imencode(".jpg", cv2.resize(PICTURE, (20, 8)))[1].tobytes()
    directory = struct.pack(">HHHIIHHIII", 2, 0x0201, 4, 1, 8 + 6 + 30, 0x0202, 4, 1, len(small), 0)
    exif = b"MM\0*" + struct.pack(">IHI", 8, 0, 14) + directory + small
    return with_segment(jpeg, 0xE1, b"Exif\0\0" + exif)


PLAIN, PROGRESSIVE = encoded(), encoded(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
FILES = {
    "baseline": PLAIN,
    "progressive": PROGRESSIVE,
    "restart markers": encoded(cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "thumbnail": with_thumbnail(PLAIN),
    "thumbnail, progressive": with_thumbnail(PROGRESSIVE),
    "thumbnail, then a comment": with_thumbnail(with_segment(PLAIN, 0xFE, SCAN + b"\0\0\xff\xd9")),
    "fill bytes": with_segment(PLAIN, 0xFE, b"text").replace(b"\xff\xfe", b"\xff\xff\xff\xfe"),
}


@pytest.mark.parametrize("name", FILES)
def test_zeros_after_the_end_are_harmless(name):
    whole = FILES[name]
    assert has_end(whole)
    np.testing.assert_array_equal(decode(whole + bytes(500), 3), decode(PLAIN if "progr" not in name else whole, 3))


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.95])
def test_zeros_in_place_of_the_rest_of_the_scan_are_refused(name, share):
    whole = FILES[name]
    start = whole.rindex(SCAN) if "progr" not in name else whole.rindex(PROGRESSIVE[PROGRESSIVE.index(SCAN) :])
    kept = start + 14 + int(share * (len(whole) - start - 14))
    with pytest.raises(UnreadableImageError, match="cut short"):
        decode(whole[:kept] + bytes(len(whole) - kept), 1)


@pytest.mark.parametrize("length", [0, 1, 2, 0xFFFF])
def test_a_segment_of_a_garbage_length_ends_the_search(length):
    start = with_segment(PLAIN, 0xE1, b"Exif")
    assert not has_end(start[:4] + struct.pack(">H", length) + bytes(40))


@given(
    name=st.sampled_from(sorted(FILES)),
    kept=st.floats(0, 1),
    zeros=st.integers(0, 50),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 15)), max_size=6),
)
def test_damaged_files_are_decoded_or_refused(name, kept, zeros, flips):
    content = bytearray(FILES[name])
    for place, bits in flips:  # low bits only, so that damaged sizes do not allocate much
        content[int(place * len(content))] ^= bits
    try:
        decode(bytes(content[: round(kept * len(content))]) + bytes(zeros), 1)
    except UnreadableImageError:
        return
