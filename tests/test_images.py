"""Pictures from files: what is decoded, what is refused, and how it is scaled."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recog.images import UnreadableImageError, decode, scale, scaled_width, to_channels

RNG = np.random.default_rng(0)
COLOURS = cv2.resize(RNG.integers(0, 256, (6, 10, 3), dtype=np.uint8), (100, 40))
"""A smooth RGB picture."""
FORMATS = {
    "png": (".png", []),
    "jpeg": (".jpg", []),
    "progressive jpeg": (".jpg", [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
    "webp": (".webp", []),
    "bmp": (".bmp", []),
    "tiff": (".tiff", []),
    "gif": (".gif", []),
}


def encode(rgb: np.ndarray, name: str) -> bytes:
    extension, settings = FORMATS[name]
    return cv2.imencode(extension, rgb[..., ::-1], settings)[1].tobytes()


FILES = {name: encode(COLOURS, name) for name in FORMATS}


@pytest.mark.parametrize("name", ["png", "bmp", "tiff"])
def test_lossless_files_come_back_as_rgb(name):
    np.testing.assert_array_equal(decode(FILES[name], 3), COLOURS)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("channel", [0, 1, 2])
def test_red_green_and_blue_keep_their_places(name, channel):
    pure = np.zeros((16, 16, 3), np.uint8)
    pure[..., channel] = 255
    decoded = decode(encode(pure, name), 3)
    assert decoded.shape == (16, 16, 3)
    np.testing.assert_allclose(decoded, pure, atol=3)


@pytest.mark.parametrize("name", FORMATS)
def test_grayscale_from_a_file_is_the_grayscale_of_its_colours(name):
    gray, colours = decode(FILES[name], 1), decode(FILES[name], 3)
    assert gray.shape == (40, 100, 1)
    luma = colours @ np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
    np.testing.assert_allclose(gray[..., 0], luma, atol=1.0 if "jpeg" in name else 0.51)
    if "jpeg" not in name:
        np.testing.assert_array_equal(gray, to_channels(colours, 1))


def test_a_grayscale_file_keeps_its_values_in_one_channel_and_in_three():
    gray = RNG.integers(0, 256, (7, 9), dtype=np.uint8)
    encoded = cv2.imencode(".png", gray)[1].tobytes()
    np.testing.assert_array_equal(decode(encoded, 1), gray[..., None])
    np.testing.assert_array_equal(decode(encoded, 3), np.repeat(gray[..., None], 3, axis=2))


def test_sixteen_bits_become_eight():
    encoded = cv2.imencode(".png", np.full((4, 5), 40_000, np.uint16))[1].tobytes()
    np.testing.assert_allclose(decode(encoded, 1), 40_000 / 257, atol=1)


def test_photos_are_turned_upright_as_exif_says():
    jpeg = FILES["jpeg"]
    # Big-endian TIFF header, one entry: orientation (0x0112), SHORT, 6: rows run from the right edge to the left.
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    turned = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]
    for channels in (1, 3):
        np.testing.assert_array_equal(decode(turned, channels), np.rot90(decode(jpeg, channels), -1))


@pytest.mark.parametrize("content", [b"", b"\0", b"\0" * 4096, b"not a picture", b"\xff\xd8", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_refused(content):
    for channels in (1, 3):
        with pytest.raises(UnreadableImageError):
            decode(content, channels)


@given(name=st.sampled_from(sorted(FORMATS)), share=st.floats(0, 1, exclude_max=True), channels=st.sampled_from([1, 3]))
def test_a_file_cut_short_anywhere_is_refused_unless_no_pixel_is_lost(name, share, channels):
    whole = FILES[name]
    try:
        decoded = decode(whole[: int(share * len(whole))], channels)
    except UnreadableImageError:
        return
    assert share > 0.9  # such as a JPEG without its two closing bytes
    np.testing.assert_array_equal(decoded, decode(whole, channels))


@pytest.mark.parametrize("name", ["png", "jpeg", "progressive jpeg"])
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_broken_download_filled_up_with_zeros_is_refused(name, share):
    whole = FILES[name]
    kept = int(share * len(whole))
    with pytest.raises(UnreadableImageError):
        decode(whole[:kept] + bytes(len(whole) - kept), 1)


def test_bytes_after_the_end_of_a_jpeg_do_no_harm():
    np.testing.assert_array_equal(decode(FILES["jpeg"] + bytes(500), 3), decode(FILES["jpeg"], 3))


@pytest.mark.parametrize(("width", "height"), [(100_000, 100_000), (1_000_000, 5), (30_000, 30_000), (0, 5)])
def test_a_header_that_promises_a_monstrous_picture_is_refused(width, height):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    with pytest.raises(UnreadableImageError):
        decode(b"\x89PNG\r\n\x1a\n" + content, 1)


def test_opencv_adds_no_lines_of_its_own_to_a_refusal(capfd):
    with pytest.raises(UnreadableImageError):
        decode(FILES["bmp"][:-100], 3)
    assert capfd.readouterr().err == ""


@given(height=st.integers(1, 200), width=st.integers(1, 400), target=st.sampled_from([24, 32, 48]))
def test_scaling_keeps_the_aspect_ratio_to_the_pixel(height, width, target):
    scaled = scale(np.full((height, width, 3), 77, np.uint8), target)
    assert scaled.shape == (target, scaled_width(height, width, target), 3)
    assert abs(scaled.shape[1] - max(1.0, width * target / height)) <= 0.5
    assert (scaled == 77).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1)])
def test_the_thinnest_pictures_are_scaled(shape):
    scaled = scale(np.full((*shape, 1), 9, np.uint8), 32)
    assert scaled.shape == (32, max(1, round(32 * shape[1] / shape[0])), 1)
    assert (scaled == 9).all()


def test_a_picture_of_the_right_height_is_left_alone():
    assert scale(COLOURS, 40) is COLOURS


def test_shrinking_averages_areas():
    stripes = np.zeros((64, 64, 1), np.uint8)
    stripes[::2] = 200
    np.testing.assert_array_equal(scale(stripes, 32), np.full((32, 32, 1), 100))


def test_enlarging_is_linear():
    ramp = np.array([[0, 100]], np.uint8)[..., None]
    np.testing.assert_array_equal(scale(ramp, 2)[0, :, 0], [0, 25, 75, 100])
