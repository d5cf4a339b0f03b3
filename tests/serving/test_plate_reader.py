"""Plates of whole photographs are found where they are, rectified and read, whatever the size of the photograph."""

import cv2
import numpy as np
import pytest

from recog.ctc import BeamSearch
from recog.ctc.pattern import compile_pattern
from recog.export.artifact import Artifact
from recog.export.files import ArtifactError
from recog.serving import PlateReader
from tests.painted_plates import BLUE, box, paint, photograph, write_artifacts


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return [Artifact.load(path) for path in write_artifacts(tmp_path_factory.mktemp("artifacts"))]


@pytest.fixture(scope="module")
def plate_reader(artifacts):
    return PlateReader(*artifacts)


@pytest.mark.parametrize("size", [(96, 128), (480, 640), (300, 1000), (901, 333), (40, 90)], ids=str)
def test_positions_are_in_pixels_of_the_photograph(plate_reader, size):
    height, width = size
    picture, corners = photograph(height, width), box(0.3 * width, 0.4 * height, 0.8 * width, 0.7 * height).round()
    paint(picture, "159", corners)
    ((plate,),) = plate_reader.read([picture])
    pixel = max(1, height / 96, width / 128)  # of the detector's input
    np.testing.assert_allclose(plate.box, [*corners[0], *corners[2]], atol=pixel)
    np.testing.assert_allclose(plate.corners, corners, atol=pixel)
    assert (plate.text, plate.name) == ("159", "car")
    assert plate.detection_confidence == pytest.approx(0.9)
    assert [character.char for character in plate.characters] == ["1", "5", "9"]
    assert plate.confidence == pytest.approx(np.prod([sure for _, sure in plate.characters]), rel=1e-5)


def test_a_tilted_plate_is_read_along_its_own_direction(plate_reader):
    picture = photograph(480, 640)
    corners = np.array([[150, 80], [450, 300], [410, 380], [100, 150]], np.float32)
    paint(picture, "739", corners)
    ((plate,),) = plate_reader.read([picture])
    assert plate.text == "739"
    np.testing.assert_allclose(plate.corners, corners, atol=10)


def test_all_plates_of_all_photographs_in_order_and_none(plate_reader):
    pictures = [photograph(200, 300), photograph(100, 100), photograph(400, 200)]
    paint(pictures[0], "123", box(150, 100, 270, 140), BLUE)
    paint(pictures[0], "456", box(20, 20, 140, 60))
    paint(pictures[2], "789", box(20, 300, 140, 340), BLUE)
    found = plate_reader.read([*pictures, *pictures, *pictures])
    assert [[(plate.text, plate.name) for plate in plates] for plates in found] == 3 * [
        [("456", "car"), ("123", "truck")],
        [],
        [("789", "truck")],
    ]
    assert plate_reader.read([]) == []


def test_the_threshold_decides_which_plates_are_read(artifacts):
    picture = photograph(200, 300)
    paint(picture, "123", box(150, 100, 270, 140), BLUE)
    paint(picture, "456", box(20, 20, 140, 60))
    names = [[p.name for p in PlateReader(*artifacts, threshold=least).read([picture])[0]] for least in (0, 0.7, 1)]
    assert names == [["car", "truck"], ["car"], []]


def test_photographs_are_upright_and_may_be_encoded_gray_or_transparent(plate_reader):
    picture = photograph(200, 300)
    paint(picture, "159", box(30, 40, 150, 80))
    encoded = cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
    lying = np.rot90(picture)
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"  # turn clockwise by 90 degrees
    jpeg = cv2.imencode(".jpg", np.ascontiguousarray(lying[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 100])[1].tobytes()
    turned = jpeg[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + jpeg[2:]
    opaque = np.dstack([picture, np.full((200, 300), 255, np.uint8)])
    for given in (picture, encoded, turned, opaque):
        ((plate,),) = plate_reader.read([given])
        assert plate.text == "159"
        np.testing.assert_allclose(plate.box, (30, 40, 150, 80), atol=3)
    assert plate_reader.read([photograph(50, 50)[..., 0], photograph(50, 50)[..., :1]]) == [[], []]


@pytest.mark.parametrize("given", [np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8), np.zeros((4, 4, 2), np.uint8)])
def test_arrays_that_are_not_pictures_are_refused(plate_reader, given):
    with pytest.raises(ValueError, match="not a picture"):
        plate_reader.read([given])


def test_another_decoder_of_the_reader_is_used(artifacts):
    finder, reader = artifacts
    picture = photograph(200, 300)
    paint(picture, "159", box(30, 40, 150, 80))
    automaton = compile_pattern(r"[1-8]*", reader.codec.alphabet)
    guided = reader.decoded_by(BeamSearch(reader.codec.alphabet.blank_id, automaton=automaton))
    assert [plate.text for plate in PlateReader(finder, guided).read([picture])[0]] == ["158"]


def test_plates_are_found_without_a_reader(artifacts):
    picture = photograph(200, 300)
    paint(picture, "159", box(30, 40, 150, 80))
    ((plate,),) = PlateReader(artifacts[0]).read([picture])
    assert (plate.text, plate.confidence, plate.characters) == ("", 0.0, [])


def test_artifacts_of_another_kind_and_settings_out_of_range_are_refused(artifacts):
    finder, reader = artifacts
    with pytest.raises(ArtifactError, match="detector's artifact predicts text"):
        PlateReader(reader, finder)
    with pytest.raises(ArtifactError, match="reader's artifact predicts boxes"):
        PlateReader(finder, finder)
    with pytest.raises(ValueError, match="threshold=2"):
        PlateReader(finder, reader, threshold=2)
    with pytest.raises(ValueError, match="margin=-1"):
        PlateReader(finder, reader, margin=-1)
