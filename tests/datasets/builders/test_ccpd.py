"""CCPD's file names, against what its README says of them, and both layouts of its folders."""

import os
import re
import struct
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tensorflow_datasets as tfds
from hypothesis import given
from hypothesis import strategies as st

from datasets.builders.ccpd import CHARACTERS, LETTERS, PROVINCES, Ccpd, parse_name
from datasets.builders.crops import Box, Quadrilateral
from datasets.builders.entries import Entry, Loaded, load
from datasets.builders.prepare import prepare_set
from datasets.sources import BadSampleError
from datasets.tfds_source import Tfds
from recog.alphabet import CHINESE_PLATES
from recog.codecs import BoxCodec
from recog.images import decode

README = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"
NAMES = {
    README: "皖AY339S",
    "0496-0_26-133&486_565&582-565&582_180&581_133&486_518&487-0_0_25_26_32_6_25-51-4.jpg": "皖A128G1",
    "0263-2_15-180&502_398&603-398&603_201&594_180&502_377&511-0_0_0_15_31_32_27-35-3.jpg": "皖AAR783",
    "0384-3_3-197&466_467&585-467&585_197&569_197&466_467&482-0_12_20_10_33_26_32-156-5.jpg": "皖NWL928",
    "0375-5_6-215&468_472&590-472&590_217&566_215&468_470&492-10_0_14_33_21_24_27-163-5.jpg": "苏AQ9X03",
    "0419-38_43-225&397_383&619-383&619_234&502_225&397_374&514-18_0_31_12_14_30_29-29-156.jpg": "湘A7NQ65",
    "01-90_90-200&300_400&360-400&360_200&360_200&300_400&300-22_24_0_1_2_3_24-100-50.JPG": None,
    "0-0_-3-200&300_400&360-400&360_200&360_200&300_400&300-30_23_24_25_26_27_33-100-50.jpg": "新Z01239",
    "0245182291667-88_93-221&481_490&573-489&561_221&573_223&485_490&481-0_0_3_25_29_31_31_31-132-139.jpg": "皖AD15777",
    "0133203125-90_102-228&515_426&583-426&583_240&582_228&518_413&515-0_0_5_24_29_33_33_30-121-38.jpg": "皖AF05996",
}


@pytest.mark.parametrize(("name", "text"), NAMES.items())
def test_texts(name, text):
    if text is None:
        with pytest.raises(ValueError, match="7 or 8 characters"):
            parse_name(name)
    else:
        assert parse_name(name).text == text


def test_box_and_vertices():
    plate = parse_name(README)
    assert plate.box == Box(154, 383, 387, 474)
    assert plate.vertices == Quadrilateral((154, 383), (363, 402), (386, 473), (177, 454))


def test_the_tables_are_those_of_the_readme_in_its_order():
    assert (len(PROVINCES), len(LETTERS), len(CHARACTERS)) == (33, 24, 34)
    assert set(PROVINCES[:31] + CHARACTERS) <= set(CHINESE_PLATES.tokens)
    assert "".join(sorted(LETTERS)) == LETTERS


@given(st.integers(0, 32), st.integers(0, 23), st.lists(st.integers(0, 33), min_size=5, max_size=6))
def test_every_plate_comes_back(province, letter, rest):
    places = "_".join(str(place) for place in [province, letter, *rest])
    name = re.sub(r"0_0_22_27_27_33_16", places, README)
    expected = PROVINCES[province] + LETTERS[letter] + "".join(CHARACTERS[place] for place in rest)
    assert parse_name(name).text == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1.jpg",
        "0001.jpg",
        README.replace(".jpg", ".txt"),
        README.replace("386&473-386", "386-386"),
        README.replace("_16-37", "-37"),
        README.replace("_16-37", "_16_1_1-37"),
        README.replace("-0_0_", "-33_0_"),
        README.replace("-0_0_", "-0_24_"),
        README.replace("_16-37", "_34-37"),
        README.replace("0_0_22", "0__22"),
        "x" * 300 + ".jpg",
    ],
)
def test_other_names_are_refused(name):
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        parse_name(name)


REAL = Path(os.environ.get("RECOG_REAL_DATA", "")) / "ccpd_names" / "names.txt"


@pytest.mark.skipif(not REAL.is_file(), reason="RECOG_REAL_DATA names no folder with ccpd_names/")
def test_all_real_names():
    names = REAL.read_text(encoding="utf-8").split()
    assert len(names) == 465
    for name in names:
        text, box, vertices = parse_name(name.rpartition("/")[2])
        assert re.fullmatch(rf"[{PROVINCES}][{LETTERS}][{CHARACTERS}]{{5}}", text)
        corners = np.array(vertices)
        assert cv2.isContourConvex(corners)
        assert cv2.contourArea(corners, oriented=True) > 500
        assert box == (*corners.min(axis=0), *corners.max(axis=0) + 1)


def write_photograph(path: Path) -> None:
    """A plate of four colours where the name says that it is, on black."""
    image = np.zeros((600, 500, 3), np.uint8)
    vertices = np.array(parse_name(path.name).vertices, np.float32)
    plate = np.zeros((100, 200, 3), np.uint8)
    plate[:50, :100], plate[:50, 100:], plate[50:, 100:], plate[50:, :100] = np.array(COLOURS)[:, ::-1]
    corners = np.array([(0, 0), (199, 0), (199, 99), (0, 99)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, vertices)
    cv2.warpPerspective(plate, matrix, (500, 600), image, borderMode=cv2.BORDER_TRANSPARENT)
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image, [cv2.IMWRITE_JPEG_QUALITY, 98])


COLOURS = (250, 20, 20), (20, 250, 20), (20, 20, 250), (200, 200, 200)
"""RGB, clockwise from the top left."""


def pixels(entry) -> np.ndarray:
    (loaded,) = load(iter([entry]))
    assert isinstance(loaded, Loaded), loaded
    return decode(loaded.picture, 3)


@pytest.fixture
def both(tmp_path):
    """CCPD2019 and CCPD2020 side by side."""
    old, new = tmp_path / "sets" / "CCPD2019", tmp_path / "sets" / "CCPD2020"
    names = list(NAMES)
    for folder in ("base", "db", "fn", "rotate", "tilt", "weather", "challenge", "blur"):
        write_photograph(old / f"ccpd_{folder}" / README)
    (old / "ccpd_np").mkdir()
    (old / "ccpd_np" / "1000.jpg").touch()
    for folder in ("train", "val", "test"):
        write_photograph(new / "ccpd_green" / folder / names[-2])
    (old / "splits").mkdir()
    (old / "splits" / "train.txt").write_text(f"ccpd_base/{README}\n")
    (old / "splits" / "val.txt").write_text(f"ccpd_base/{names[1]}\nccpd_base/x.jpg\n\n")
    (old / "splits" / "test.txt").write_text(f"ccpd_db/{README}\nccpd_blur/{README}\n")
    return tmp_path / "sets"


def test_all_splits_of_both_layouts(both, tmp_path):
    builder = Ccpd(data_dir=tmp_path / "out")
    splits = builder.splits(both)
    old = ["base", "db", "fn", "rotate", "tilt", "weather", "challenge", "blur", "train", "test"]
    green = ["green_train", "green_validation", "green_test"]
    assert set(splits) == {*old, *green}
    assert set(builder.splits(both / "CCPD2019")) == set(old)
    assert set(builder.splits(both / "CCPD2020")) == set(green)
    found = {split: list(entries()) for split, entries in splits.items()}
    counts = {split: len(entries) for split, entries in found.items()}
    assert counts == dict.fromkeys(splits, 1) | {"base": 2, "test": 2}
    base, bad = found["base"]
    assert isinstance(base, Entry)
    assert base.text == "皖A128G1"
    assert isinstance(bad, BadSampleError)
    assert bad.origin == "splits/val.txt (ccpd_base/x.jpg)"
    (green_one,) = found["green_validation"]
    assert isinstance(green_one, Entry)
    assert len(green_one.text) == 8
    assert green_one.path.is_file()


def test_without_lists_all_base_pictures_are_base(both, tmp_path):
    for file in (both / "CCPD2019" / "splits").iterdir():
        file.unlink()
    for picture in list((both / "CCPD2019" / "ccpd_base").glob("*.jpg")):
        picture.with_name(f"._{picture.name}").touch()
    (both / "__MACOSX" / "ccpd_base").mkdir(parents=True)
    splits = Ccpd(data_dir=tmp_path / "out").splits(both)
    assert "train" not in splits
    (entry,) = splits["base"]()
    assert isinstance(entry, Entry)
    assert entry.text == "皖AY339S"


def test_a_rectified_plate_is_upright(both, tmp_path):
    (entry,) = Ccpd(data_dir=tmp_path / "out").splits(both)["rotate"]()
    assert isinstance(entry, Entry)
    image = pixels(entry)
    height, width = image.shape[:2]
    assert abs(width - np.hypot(209, 19) - 1) <= 1
    assert abs(height - np.hypot(23, 71) - 1) <= 1
    quarters = [image[height * y // 4, width * x // 4] for y, x in ((1, 1), (1, 3), (3, 3), (3, 1))]
    np.testing.assert_allclose(quarters, COLOURS, atol=25)
    edges = [image[0], image[-1], image[:, 0], image[:, -1]]
    assert min(float(edge.max(axis=-1).min()) for edge in edges) > 60  # no black from outside the plate
    np.testing.assert_array_equal(entry.extra["box"], [154, 383, 387, 474])
    np.testing.assert_array_equal(entry.extra["vertices"], [(154, 383), (363, 402), (386, 473), (177, 454)])


def test_by_option_the_box_is_left_as_it_is(both, tmp_path):
    (entry,) = Ccpd(config="box", data_dir=tmp_path / "out").splits(both)["rotate"]()
    assert isinstance(entry, Entry)
    image = pixels(entry)
    whole = decode(entry.path.read_bytes(), 3)
    assert image.shape == (91, 233, 3)
    assert np.abs(image.astype(int) - whole[383:474, 154:387]).mean() < 2


def test_by_option_the_whole_picture_is_a_sample_with_the_corners_of_the_plate(tmp_path):
    picture = tmp_path / "ccpd" / "ccpd_rotate" / README
    write_photograph(picture)
    folder = prepare_set("ccpd/whole", tmp_path / "ccpd", tmp_path / "out")
    assert folder.parent.name == "whole"
    (sample,) = Tfds(folder, "rotate")
    assert sample.image == picture.read_bytes()
    assert sample.origin.endswith(f"ccpd_rotate/{README}")
    (box,) = sample.label.boxes
    assert (box.name, box.text) == ("plate", "皖AY339S")
    np.testing.assert_array_equal(box.corners, np.array([(154, 383), (363, 402), (386, 473), (177, 454)]) + 0.5)
    assert not BoxCodec(("plate",)).problems(sample.label, (600, 500))
    pixels = decode(picture.read_bytes(), 3)
    inner = 0.85 * box.corners + 0.15 * box.corners.mean(axis=0)  # a point is in the pixel of its whole part
    found = [pixels[int(y), int(x)] for x, y in inner]
    np.testing.assert_allclose(found, COLOURS, atol=25)
    records: Any = tfds.builder_from_directory(folder).as_data_source  # TFDS's decorator hides its parameters
    (example,) = records("rotate")
    assert example["box"].tolist() == [154, 383, 387, 474]


@pytest.mark.parametrize(
    "vertices",
    [
        *("9&9_9&9_9&9_9&9", "9&9_9&0_0&0_0&9", "9&9_0&9_9&0_0&0"),
        *("400000&300000_0&300000_0&0_400000&0", "50&40_30&40_30&30_50&30", "-2&9_-9&9_-9&0_-2&0"),
    ],
)
def test_vertices_that_make_no_plate_are_malformed(tmp_path, vertices):
    name = re.sub("386&473_177&454_154&383_363&402", vertices, README)
    cv2.imwrite(str(tmp_path / name), np.zeros((20, 20, 3), np.uint8))
    entry = Entry(tmp_path / name, "x", name, parse_name(name).vertices)
    (bad,) = load(iter([entry]))
    assert isinstance(bad, BadSampleError)
    assert "corners (" in str(bad)


def test_numbers_without_end_are_malformed(tmp_path):
    (tmp_path / "ccpd_base").mkdir()
    name = README.replace("386&473", "386&99999999999", 1)
    (tmp_path / "ccpd_base" / name).touch()
    (bad,) = Ccpd(data_dir=tmp_path / "out").splits(tmp_path)["base"]()
    assert isinstance(bad, BadSampleError)


def test_a_picture_that_exif_would_turn_is_cut_where_its_pixels_are(tmp_path):
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 60:] = 255
    exif = b"\xff\xe1" + struct.pack(">H", 34) + b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x112, 3, 1, 6, 0, 0)
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    (tmp_path / "a.jpg").write_bytes(jpeg[:2] + exif + jpeg[2:])
    assert decode((tmp_path / "a.jpg").read_bytes(), 3).shape == (100, 40, 3), "the picture is one that Exif turns"
    (entry,) = load(iter([Entry(tmp_path / "a.jpg", "x", "a.jpg", Box(62, 2, 98, 38))]))
    assert isinstance(entry, Loaded)
    cut = decode(entry.picture, 3)
    assert cut.shape == (36, 36, 3)
    assert cut.min() > 250


def test_a_folder_of_something_else_says_so(tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(FileNotFoundError, match=r"ccpd_base, ccpd_green and splits/train\.txt"):
        Ccpd(data_dir=tmp_path / "out").splits(tmp_path)
