"""Rendered scenes: a pure function of seed and index, whose corners are where the plates' corners are."""

import pickle

import cv2
import numpy as np
import pytest

from datasets.synthetic import parked, scenes
from datasets.synthetic.parked import NARROWEST
from datasets.synthetic.plates import DIGITS, LETTERS, PROVINCES
from datasets.synthetic.scenes import Scenes, ScenesConfig
from recog.codecs import BoxLabel


def source(seed: int = 0, **fields) -> Scenes:
    return Scenes(ScenesConfig(seed=seed, **fields))


@pytest.fixture(scope="module")
def drawn() -> list[scenes.Scene]:
    return [source(5).scene(index) for index in range(30)]


def test_scenes_are_uint8_rgb_with_float32_corners(drawn):
    for index, (image, plates, origin) in enumerate(drawn):
        assert (image.shape, image.dtype, origin) == ((384, 512, 3), np.uint8, f"scenes seed=5 index={index}")
        for plate in plates:
            assert plate.corners.shape == (4, 2)
            assert plate.corners.dtype == np.float32
    assert source(height=120, width=161).scene(0).image.shape == (120, 161, 3)


def test_pictures_have_none_to_three_plates(drawn):
    assert {len(scene.plates) for scene in drawn} == {0, 1, 2, 3}
    assert not any(source(plates=0).scene(index).plates for index in range(10))
    assert {len(source(plates=1).scene(index).plates) for index in range(12)} == {0, 1}


def test_scenes_are_the_same_in_any_order_and_copy(drawn):
    copy = pickle.loads(pickle.dumps(source(5)))
    for index in (7, 3, 0):
        image, plates, _ = copy.scene(index)
        assert np.array_equal(image, drawn[index].image)
        assert [plate.text for plate in plates] == [plate.text for plate in drawn[index].plates]
        assert all(np.array_equal(a.corners, b.corners) for a, b in zip(plates, drawn[index].plates, strict=True))


def test_as_a_source_a_scene_is_labelled_with_all_its_plates(drawn):
    for index in range(8):
        image, label, origin = source(5)[index]
        assert np.array_equal(image, drawn[index].image)
        assert str(label) == str(BoxLabel(drawn[index].plates))
        assert origin == drawn[index].origin


def test_plates_are_in_the_picture_upright_readable_and_from_left_to_right(drawn):
    for scene in drawn:
        middles = [float(plate.corners[:, 0].mean()) for plate in scene.plates]
        assert middles == sorted(middles)
        for corners, _, text in scene.plates:
            assert (corners >= 0).all()
            assert (corners <= (512, 384)).all()
            assert cv2.isContourConvex(corners)
            assert cv2.contourArea(corners, oriented=True) > 0  # clockwise, as rows point down
            left_top, right_top, right_bottom, left_bottom = corners
            assert np.hypot(*(right_top - left_top)) >= NARROWEST - 0.1
            assert left_top[0] < right_top[0]
            assert left_bottom[0] < right_bottom[0]
            assert left_top[1] < left_bottom[1]
            assert right_top[1] < right_bottom[1]
            assert text[0] in PROVINCES
            assert len(text) in (7, 8)
            assert set(text[1:]) <= set(DIGITS + LETTERS)


def test_no_plate_lies_over_another(drawn):
    for scene in drawn:
        for place, one in enumerate(scene.plates):
            for other in scene.plates[place + 1 :]:
                assert cv2.intersectConvexConvex(one.corners, other.corners)[0] == 0


def edge_of(cover: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The line, ``a x + b y = c``, where coverage falls to a half across what should be an edge."""
    along = (end - start) / np.hypot(*(end - start))
    outward = np.array([along[1], -along[0]])
    offsets, points = np.linspace(-3, 3, 241), []
    for share in np.linspace(0.15, 0.85, 25):
        middle = start + share * (end - start)
        places = (middle + offsets[:, None] * outward - 0.5).astype(np.float32)
        profile = cv2.remap(cover, places[:, 0], places[:, 1], cv2.INTER_LINEAR).ravel()
        crossing = int(np.flatnonzero(profile < 0.5)[0])
        points.append(middle + offsets[crossing] * outward)
    centre = np.mean(points, axis=0)
    normal = np.linalg.svd(points - centre)[2][1]
    return np.array([*normal, normal @ centre])


def corners_of(cover: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Where the four edges of a bright quadrilateral meet."""
    edges = [edge_of(cover, near[place], near[(place + 1) % 4]) for place in range(4)]
    pairs = [np.stack([edges[place - 1], edges[place]]) for place in range(4)]
    return np.stack([np.linalg.solve(pair[:, :2], pair[:, 2]) for pair in pairs])


@pytest.mark.parametrize(("height", "width"), [(384, 512), (301, 403)])
def test_corners_are_right_to_half_a_pixel(monkeypatch, height: int, width: int):
    """What changes when white plates become black ones is measured, without the labels' arithmetic."""

    def render(index: int, level: int) -> scenes.Scene:
        monkeypatch.setattr(parked, "draw_plate", lambda *_: np.full((84, 264, 3), level, np.uint8))
        return source(8, clutter=0.0, height=height, width=width).scene(index)

    seen = 0
    for index in range(12):
        image, plates, _ = render(index, 255)
        cover = cv2.absdiff(image, render(index, 0).image).astype(np.float32).mean(axis=2) / 255
        for plate in plates:
            error = np.hypot(*(corners_of(cover, plate.corners.astype(float)) - plate.corners).T)
            assert error.max() < 0.5, (index, error)
            seen += 1
    assert seen >= 8


def test_a_plate_brought_upright_is_the_plate(monkeypatch):
    """Cut out along its corners, a plate looks like the one that was drawn, the right way round."""
    kept: dict[str, np.ndarray] = {}
    draw = parked.draw_plate

    def draw_and_keep(text, *rest):
        kept[text] = draw(text, *rest)
        return kept[text]

    monkeypatch.setattr(parked, "draw_plate", draw_and_keep)
    seen = 0
    for index in range(12):
        kept.clear()
        image, plates, _ = source(2, clutter=0.0).scene(index)
        for plate in plates:
            sign = kept[plate.text]
            height, width = sign.shape[:2]
            upright = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32) - 0.5
            matrix = cv2.getPerspectiveTransform(plate.corners - 0.5, upright)
            found = cv2.warpPerspective(image, matrix, (width, height)).astype(float)
            pixel = width / np.ptp(plate.corners[:, 0])  # of the picture, on the sign
            blurred = cv2.GaussianBlur(sign, (0, 0), 0.4 * pixel).astype(float)
            assert np.corrcoef(found.ravel(), blurred.ravel())[0, 1] > 0.75
            assert (
                np.corrcoef(found.ravel(), blurred[::-1, ::-1].ravel())[0, 1]
                < np.corrcoef(found.ravel(), blurred.ravel())[0, 1]
            )
            seen += 1
    assert seen >= 5


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 100}, "100x384"),
        ({"clutter": -1.0}, "clutter"),
        ({"plates": 4}, "plates=4"),
        ({"plates": -1}, "plates=-1"),
    ],
)
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


@pytest.mark.parametrize("index", [-1, 3])
def test_an_index_outside_the_stream_is_refused(index: int):
    with pytest.raises(IndexError, match=rf"scene {index} of 3: use 0 to 2"):
        source(count=3).scene(index)


def test_clutter_draws_more_than_plates():
    """Where there is no plate, there still are edges as strong as those of plates."""
    edges = [cv2.Laplacian(source(4, plates=0).scene(index).image, cv2.CV_64F).std() for index in range(6)]
    assert max(edges) > 5
