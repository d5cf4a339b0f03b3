"""Transparent pictures of all formats on their ground."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from recog.images import UnreadableImageError, decode
from recog.transparency import composite

BLACK, WHITE, BROWN, YELLOW = (0, 0, 0), (255, 255, 255), (200, 100, 50), (255, 255, 0)
RNG = np.random.default_rng(0)
PHOTO = cv2.resize(RNG.integers(0, 256, (6, 10, 3), np.uint8), (40, 20))


def drawn(ink, hidden=BLACK) -> np.ndarray:
    """A stroke of ink with a half transparent end, on clear ground whose colour is hidden."""
    rgba = np.zeros((12, 20, 4), np.uint8)
    rgba[..., :3] = hidden
    rgba[3:9, 2:14, :3] = ink
    rgba[3:9, 2:8, 3], rgba[3:9, 8:14, 3] = 255, 128
    return rgba


def on(rgba: np.ndarray, ground: int) -> np.ndarray:
    alpha = rgba[..., 3:] / 255
    return np.rint(rgba[..., :3] * alpha + ground * (1 - alpha)).astype(np.uint8)


def saved(rgba: np.ndarray, mode: str, form: str, **settings) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgba, "RGBA").convert(mode).save(file, form, **settings)
    return file.getvalue()


def indexed(form: str, palette: list[int]) -> bytes:
    """Ink of the second colour on a ground of the first, which is transparent."""
    picture = Image.fromarray(np.where(drawn(BLACK)[..., 3], 1, 0).astype(np.uint8), "P")
    picture.putpalette(palette + [0] * (768 - len(palette)))
    file = io.BytesIO()
    picture.save(file, form, transparency=0)
    return file.getvalue()


def bmp(rgba: np.ndarray) -> bytes:
    """A BMP file of 32 bits with masks, in the header of version 4."""
    height, width, _ = rgba.shape
    pixels = rgba[::-1, :, [2, 1, 0, 3]].tobytes()
    header = struct.pack("<IiiHHIIiiII", 108, width, height, 1, 32, 3, len(pixels), 0, 0, 0, 0)
    header += struct.pack("<IIII", 0xFF0000, 0xFF00, 0xFF, 0xFF000000) + b"BGRs" + bytes(48)
    return b"BM" + struct.pack("<IHHI", 14 + 108 + len(pixels), 0, 0, 14 + 108) + header + pixels


@pytest.mark.parametrize("hidden", [BLACK, WHITE, BROWN])
@pytest.mark.parametrize(("ink", "ground"), [(BLACK, 255), (BROWN, 255), (YELLOW, 0), (WHITE, 0)])
def test_the_ground_is_white_or_black_where_the_ink_is_light(ink, ground, hidden):
    rgba = drawn(ink, hidden)
    np.testing.assert_allclose(composite(rgba).astype(int), on(rgba, ground), atol=1)


@given(st.integers(0, 255), st.integers(1, 255))
def test_ink_of_any_grey_can_be_told_from_its_ground(grey, opacity):
    rgba = np.zeros((4, 4, 4), np.uint8)
    rgba[1:3, 1:3] = (grey, grey, grey, opacity)
    flat = composite(rgba).astype(int)
    assert abs(flat[1, 1, 0] - flat[0, 0, 0]) >= 127 * opacity // 255


def test_opaque_pixels_are_unchanged_and_nothing_but_transparency_is_white():
    opaque = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    np.testing.assert_array_equal(composite(opaque), PHOTO)
    opaque[0, 0, 3] = 0
    np.testing.assert_array_equal(composite(opaque)[1:], PHOTO[1:])
    opaque[..., 3] = 0
    assert (composite(opaque) == 255).all()


SETTINGS = {
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "tiff": ("TIFF", {}),
    "lzw tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "jpeg 2000": ("JPEG2000", {}),
    "avif": ("AVIF", {"quality": 100, "subsampling": "4:4:4"}),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize(("ink", "ground"), [(BLACK, 255), (BROWN, 255), (WHITE, 0)])
def test_files_of_all_formats_are_composited(name, ink, ground):
    form, settings = SETTINGS[name]
    rgba = drawn(ink)
    encoded, expected = saved(rgba, "RGBA", form, **settings), on(rgba, ground)
    # AVIF is lossy at its edges; 8-bit TIFF files lose a step because libtiff multiplies colours by their opacity.
    found = decode(encoded, 3).astype(int)
    assert np.abs(found - expected).max() <= (12 if name == "avif" else 1)
    gray = cv2.cvtColor(found.astype(np.uint8), cv2.COLOR_RGB2GRAY)
    np.testing.assert_array_equal(decode(encoded, 1)[..., 0], gray)


def test_grey_with_alpha_and_sixteen_bits_are_composited():
    rgba = drawn(BLACK)
    sixteen = cv2.imencode(".png", rgba.astype(np.uint16) * 257)[1].tobytes()
    for encoded in (saved(rgba, "LA", "PNG"), sixteen):
        np.testing.assert_allclose(decode(encoded, 1)[..., 0].astype(int), on(rgba, 255)[..., 0], atol=1)


@pytest.mark.parametrize("form", ["PNG", "GIF"])
@pytest.mark.parametrize(("ink", "hidden", "ground"), [(BLACK, BLACK, 255), (WHITE, WHITE, 0), (BROWN, YELLOW, 255)])
def test_palettes_with_a_transparent_colour_are_composited(form, ink, hidden, ground):
    found = decode(indexed(form, [*hidden, *ink]), 3)
    is_ink = drawn(BLACK)[..., 3:] > 0
    np.testing.assert_array_equal(found, np.where(is_ink, np.uint8(ink), np.uint8(ground)))


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_transparent_value_of_a_grey_png_is_composited(bits):
    key, ink = 2 ** (bits - 1), 0
    row = [key, ink, key, ink, ink, key, key, ink]
    digits = "".join(f"{value:0{bits}b}" for value in row)
    packed = int(digits, 2).to_bytes(bits, "big")
    encoded = png(8, bits, b"\0" + packed, key)
    np.testing.assert_array_equal(decode(encoded, 1)[0, :, 0], [0 if value == ink else 255 for value in row])


def png(width: int, bits: int, rows: bytes, key: int) -> bytes:
    """A grey PNG of one row in which one value is transparent."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, 1, bits, 0, 0, 0, 0))
    middle = chunk(b"tEXt", b"Comment\0tRNS") + chunk(b"tRNS", struct.pack(">H", key))
    return b"\x89PNG\r\n\x1a\n" + header + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_bitmap_with_alpha_is_composited_unless_its_alpha_is_zero_throughout():
    rgba = drawn(BROWN)
    np.testing.assert_allclose(decode(bmp(rgba), 3).astype(int), on(rgba, 255), atol=1)
    rgba[..., 3] = 0
    np.testing.assert_array_equal(decode(bmp(rgba), 3), rgba[..., :3])


def test_a_tiff_of_straight_colours_is_not_divided_by_its_opacity():
    rgba = drawn(BROWN, hidden=YELLOW)
    encoded = cv2.imencode(".tiff", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA))[1].tobytes()
    np.testing.assert_allclose(decode(encoded, 3).astype(int), on(rgba, 255), atol=1)


def test_a_grey_tiff_with_alpha_is_refused_by_its_mend():
    with pytest.raises(UnreadableImageError, match=r"grey TIFF with transparency.*save it as PNG"):
        decode(saved(drawn(BLACK), "LA", "TIFF"), 1)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["png", "webp", "tiff"])
@pytest.mark.parametrize("upright", [True, False])
def test_opaque_files_with_alpha_are_those_without(name, orientation, upright):
    form, settings = SETTINGS[name]
    exif = Image.Exif()
    exif[0x0112] = orientation
    rgba = np.dstack([PHOTO, np.full(PHOTO.shape[:2], 255, np.uint8)])
    with_alpha, without = (saved(rgba, mode, form, exif=exif, **settings) for mode in ("RGBA", "RGB"))
    for channels in (1, 3):
        ours, theirs = (decode(file, channels, upright=upright) for file in (with_alpha, without))
        np.testing.assert_array_equal(ours, theirs)


def test_transparent_files_are_turned_by_their_exif_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba = drawn(BLACK)
    found = decode(saved(rgba, "RGBA", "PNG", exif=exif), 3)
    np.testing.assert_array_equal(found, np.rot90(decode(saved(rgba, "RGBA", "PNG"), 3), -1))


ALL = {
    **{name: saved(drawn(BROWN), "RGBA", form, **settings) for name, (form, settings) in SETTINGS.items()},
    "bmp": bmp(drawn(BROWN)),
    "gif": indexed("GIF", [0, 0, 0, 200, 100, 50]),
    "palette": indexed("PNG", [0, 0, 0, 200, 100, 50]),
    "grey": png(8, 8, bytes(9), 0),
}


@given(
    name=st.sampled_from(sorted(ALL)),
    cut=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 15)), max_size=4),
)
def test_damaged_files_are_decoded_or_refused(name, cut, flips):
    content = bytearray(ALL[name])
    for place, bits in flips:
        content[int(place * len(content))] ^= bits
    try:
        decode(bytes(content[: round(cut * len(content))]), 1)
    except UnreadableImageError:
        return
