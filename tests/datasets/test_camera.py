"""What a camera does to a drawn scene: its geometry to half a pixel, and nothing at all without clutter."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.synthetic import camera

RNG = np.random.default_rng(0)
SMOOTH = cv2.resize(RNG.integers(0, 256, (5, 8, 3), dtype=np.uint8), (120, 40), interpolation=cv2.INTER_CUBIC)
BOX = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])

seeds = st.integers(0, 2**31)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def projected(width: float, height: float, degrees: tuple[float, float, float], distance: float) -> np.ndarray:
    """A sign's corners through a pinhole camera: turned about its upright axis, its level one and the line of sight."""
    aside, above, slant = np.radians(degrees)
    upright = np.array([[np.cos(aside), 0, np.sin(aside)], [0, 1, 0], [-np.sin(aside), 0, np.cos(aside)]])
    level = np.array([[1, 0, 0], [0, np.cos(above), np.sin(above)], [0, -np.sin(above), np.cos(above)]])
    sight = np.array([[np.cos(slant), np.sin(slant), 0], [-np.sin(slant), np.cos(slant), 0], [0, 0, 1]])
    corners = (BOX - 0.5) * (width, height)
    x, y, z = (np.column_stack([corners, np.zeros(4)]) @ upright @ level @ sight).T
    return np.column_stack([x, y]) / (1 + z / distance)[:, None]


@given(seed=seeds, clutter=st.floats(0, 1))
def test_the_view_is_that_of_a_camera_at_the_drawn_place(seed, clutter):
    places = random(seed)
    near = 1.0 if places.random() < 0.5 else 0.3
    degrees = [places.uniform(-60, 60), places.uniform(-15, 40), places.uniform(-15, 15)]
    turns = tuple(near * clutter * angle for angle in degrees)
    expected = projected(440, 140, turns, 440 * places.uniform(2, 12))
    np.testing.assert_allclose(camera.view(440, 140, clutter, random(seed)), expected, atol=1e-9)


@given(seed=seeds)
def test_without_clutter_a_sign_is_seen_from_the_front(seed):
    np.testing.assert_allclose(camera.view(300, 100, 0.0, random(seed)), (BOX - 0.5) * (300, 100), atol=1e-9)


@given(
    seed=seeds, margins=st.tuples(*[st.floats(-0.2, 0.3)] * 4), width=st.integers(8, 500), height=st.integers(8, 200)
)
def test_a_fitted_sign_fills_the_canvas_but_for_its_margins(seed, margins, width, height):
    quad = camera.view(3, 1, 1.0, random(seed))
    fitted = camera.fit(quad, width, height, np.array(margins))
    left, top, right, bottom = margins
    np.testing.assert_allclose(fitted.min(axis=0), [left * width, top * height], atol=1e-6)
    np.testing.assert_allclose(fitted.max(axis=0), [width - right * width, height - bottom * height], atol=1e-6)
    stretch = (fitted - fitted[0]) / np.where(quad == quad[0], 1, quad - quad[0])
    for axis in (0, 1):
        moved = np.abs(quad[:, axis] - quad[0, axis]) > 1e-3
        np.testing.assert_allclose(stretch[moved, axis], stretch[moved, axis][0], rtol=1e-5)


def test_a_sign_pasted_at_its_own_corners_is_the_sign():
    seen = camera.paste(SMOOTH, BOX * (120, 40), np.zeros_like(SMOOTH))
    np.testing.assert_array_equal(seen, SMOOTH)


@pytest.mark.parametrize("place", [(0.1, 0.25), (0.5, 0.5), (0.9, 0.75)])
@pytest.mark.parametrize(
    "quad",
    [
        BOX * (200, 60) + (20, 15),
        np.array([[15.0, 20], [220, 8], [225, 70], [10, 85]]),
        np.array([[40.3, 5.2], [200.7, 30.1], [190.2, 88.4], [25.9, 60.6]]),
    ],
    ids=["upright", "trapezium", "turned"],
)
def test_a_spot_on_a_sign_is_seen_where_perspective_puts_it(quad, place):
    sign = np.zeros((80, 240, 3), np.uint8)
    spot = np.array(place) * (240, 80)
    cv2.circle(sign, np.rint((spot - 0.5) * 16).astype(int).tolist(), 4 * 16, (255, 255, 255), cv2.FILLED, shift=4)
    seen = camera.paste(sign, quad, np.zeros((96, 240, 3), np.uint8))[..., 0].astype(float)
    rows, columns = np.indices(seen.shape) + 0.5
    found = np.array([(seen * columns).sum(), (seen * rows).sum()]) / seen.sum()
    x, y, w = homography(quad) @ [*place, 1]
    np.testing.assert_allclose(found, [x / w, y / w], atol=0.5)


def homography(quad: np.ndarray) -> np.ndarray:
    """From the unit square to a quadrangle, solved for as eight linear equations."""
    rows, values = [], []
    for (u, v), (x, y) in zip(BOX, quad, strict=True):
        rows += [[u, v, 1, 0, 0, 0, -u * x, -v * x], [0, 0, 0, u, v, 1, -u * y, -v * y]]
        values += [x, y]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1).reshape(3, 3)


@settings(max_examples=40)
@given(seed=seeds)
def test_the_edges_of_a_pasted_sign_are_at_its_corners(seed):
    quad = camera.fit(camera.view(3, 1, 1.0, random(seed)), 240, 80, np.full(4, 0.1))
    seen = camera.paste(np.full((60, 180, 3), 255, np.uint8), quad, np.zeros((80, 240, 3), np.uint8))
    area = 0.5 * abs(np.dot(quad[:, 0], np.roll(quad[:, 1], -1)) - np.dot(quad[:, 1], np.roll(quad[:, 0], -1)))
    border = np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1).sum()
    assert abs(seen[..., 0].sum() / 255 - area) < 0.5 * border
    inside = cv2.fillConvexPoly(np.zeros((80, 240), np.uint8), np.rint(quad - 0.5).astype(np.int32), (255,))
    kernel = np.ones((5, 5), np.uint8)
    assert (seen[cv2.erode(inside, kernel, borderValue=(0,)) > 0] == 255).all()
    assert (seen[cv2.dilate(inside, kernel) == 0] == 0).all()


def test_what_is_behind_a_sign_stays_and_its_edges_mix():
    behind = np.full((40, 60, 3), (200, 100, 0), np.uint8)
    seen = camera.paste(np.full((20, 30, 3), (0, 100, 200), np.uint8), BOX * (30, 20) + (10.5, 10), behind)
    assert (seen[:, :9] == (200, 100, 0)).all()
    assert (seen[12:28, 13:38] == (0, 100, 200)).all()
    np.testing.assert_allclose(seen[20, 10], [100, 100, 100], atol=2)  # half of the pixel
    assert (behind == (200, 100, 0)).all(), "the scene handed in is not drawn into"


def test_blending_is_linear_in_the_cover():
    below, above = RNG.integers(0, 256, (2, 9, 256, 3), dtype=np.uint8)
    cover = np.repeat(np.arange(256, dtype=np.uint8)[None], 9, axis=0)
    share = cover[..., None] / 255
    np.testing.assert_allclose(camera.blend(below, above, cover), above * share + below * (1 - share), atol=1.01)
    np.testing.assert_array_equal(camera.blend(below, above, np.full((9, 256), 255, np.uint8)), above)
    np.testing.assert_array_equal(camera.blend(below, above, np.zeros((9, 256), np.uint8)), below)


@pytest.mark.parametrize("seed", range(20))
def test_without_clutter_light_optics_and_sensor_change_nothing(seed):
    draws = random(seed)
    np.testing.assert_array_equal(camera.light(SMOOTH, 0.0, draws), SMOOTH)
    np.testing.assert_array_equal(camera.optics(SMOOTH, 0.0, draws), SMOOTH)
    np.testing.assert_array_equal(camera.sensor(SMOOTH, 120, 40, 0.0, draws), SMOOTH)


def test_light_is_smooth_where_it_casts_no_shadow():
    flat = np.full((40, 120, 3), 128, np.uint8)
    lit = [camera.light(flat, 0.02, random(seed)).astype(int) for seed in range(100)]
    assert np.mean([np.abs(np.diff(picture, axis=1)).max() <= 1 for picture in lit]) > 0.9


def test_full_light_spans_night_and_glare():
    means = [camera.light(SMOOTH, 1.0, random(seed)).mean() for seed in range(400)]
    assert min(means) < 40
    assert max(means) > 200
    assert 0.75 < np.median(means) / SMOOTH.mean() < 1.25


def test_blur_keeps_brightness_and_takes_detail():
    noise = RNG.integers(0, 256, (40, 120, 3), dtype=np.uint8)
    blurred = [camera.optics(noise, 1.0, random(seed)) for seed in range(60)]
    assert all(abs(float(picture.mean()) - noise.mean()) < 3 for picture in blurred)
    deviations = np.array([picture.std() for picture in blurred])
    assert (deviations <= noise.std() + 1e-9).all()
    assert deviations.min() < 0.4 * noise.std()
    assert 0.1 < np.mean([np.array_equal(picture, noise) for picture in blurred]) < 0.45


@given(seed=seeds)
@settings(max_examples=60)
def test_a_defocused_point_is_the_gaussian_that_opencv_draws(seed):
    draws = random(seed)
    kind, amount = draws.random(2)
    point = np.zeros((60, 180, 3), np.uint8)
    point[30, 90] = 255
    seen = camera.optics(point, 1.0, random(seed))
    if 0.25 <= kind < 0.75:
        expected = cv2.GaussianBlur(point, (0, 0), 0.3 + 0.045 * 60 * amount**2)
        np.testing.assert_allclose(seen, expected, atol=2)


@pytest.mark.parametrize(("width", "height"), [(94, 24), (4, 4), (300, 90), (2100, 40)])
def test_the_sensor_delivers_the_wanted_size(width, height):
    for seed in range(60):
        seen = camera.sensor(SMOOTH, width, height, 1.0, random(seed))
        assert (seen.shape, seen.dtype) == ((height, width, 3), np.uint8)
        assert abs(float(seen.mean()) - float(SMOOTH.mean())) < 12


def test_compression_costs_more_at_lower_quality():
    errors = [np.abs(camera.compress(SMOOTH, quality).astype(int) - SMOOTH).mean() for quality in (5, 30, 60, 95)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 2
    assert errors[-1] < 2
    assert camera.compress(SMOOTH, 50).shape == SMOOTH.shape


@pytest.mark.parametrize(("width", "height"), [(188, 48), (40, 160), (1, 1)])
def test_surroundings_are_of_any_size_and_differ(width, height):
    scenes = [camera.surroundings(width, height, random(seed)) for seed in range(20)]
    assert all((scene.shape, scene.dtype) == ((height, width, 3), np.uint8) for scene in scenes)
    assert len({scene.tobytes() for scene in scenes}) > 15
    np.testing.assert_array_equal(scenes[3], camera.surroundings(width, height, random(3)))


def test_textures_and_noise_that_samples_share_cannot_be_written():
    with pytest.raises(ValueError, match="read-only"):
        camera._texture(0)[0, 0] = 0
    with pytest.raises(ValueError, match="read-only"):
        camera._grain()[0, 0] = 0


def test_a_plain_picture_has_one_colour():
    assert (camera.plain(np.array([1.0, 128.0, 255.0]), 7, 3) == (1, 128, 255)).all()
    assert camera.plain(np.zeros(3), 7, 3).shape == (3, 7, 3)
