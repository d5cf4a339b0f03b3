"""Effects of cameras on plates: dark scenes get brighter, fields apart, halos at edges, and nothing without clutter."""

import cv2
import numpy as np
import pytest

from datasets.synthetic import plate_camera

RNG = np.random.default_rng(0)
SCENE = cv2.resize(RNG.integers(0, 256, (6, 24, 3), dtype=np.uint8), (188, 48), interpolation=cv2.INTER_CUBIC)
EFFECTS = [plate_camera.expose, plate_camera.interlace, plate_camera.sharpen]


def random(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("effect", EFFECTS)
def test_nothing_happens_without_clutter(effect):
    dark = SCENE // 8
    for seed in range(30):
        np.testing.assert_array_equal(effect(dark, 0.0, random(seed)), dark)


@pytest.mark.parametrize("effect", EFFECTS)
def test_the_scene_itself_is_not_changed(effect):
    scene = SCENE // 4
    before = scene.copy()
    for seed in range(40):
        assert effect(scene, 1.0, random(seed)).shape == scene.shape
    np.testing.assert_array_equal(scene, before)


def test_level_plates_lean_at_random_and_sloping_ones_against_their_slope():
    level = np.array([[-220.0, -70.0], [220.0, -70.0], [220.0, 70.0], [-220.0, 70.0]])
    np.testing.assert_array_equal(plate_camera.lean(level, 0.0, random(0)), level)
    turned = level @ np.array([[np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), np.cos(0.2)]])  # the right side is lower
    leans = {}
    for name, quad in (("level", level), ("turned", turned)):
        seen = np.array([plate_camera.lean(quad, 1.0, random(seed)) for seed in range(500)])
        np.testing.assert_array_equal(seen[..., 1], np.broadcast_to(quad[:, 1], seen.shape[:2]))
        leans[name] = (seen[:, 0, 0] - seen[:, 3, 0]) / (quad[3, 1] - quad[0, 1])
    assert abs(leans["level"].mean()) < 0.02
    assert 0.1 < leans["level"].std() < 0.14
    assert leans["turned"].min() < -0.2
    assert leans["turned"].max() > 0.2, "as far as it is turned"
    assert -0.1 < leans["turned"].mean() < 0.02


def test_most_dark_scenes_are_brightened_in_proportion_and_bright_ones_kept():
    dark = SCENE // 8
    brightened = 0
    for seed in range(200):
        seen = plate_camera.expose(dark, 0.7, random(seed))
        assert (seen >= dark).all()
        gain = seen.max() / dark.max()
        np.testing.assert_allclose(seen, dark * gain, atol=3)
        brightened += gain > 2
        np.testing.assert_array_equal(plate_camera.expose(SCENE, 0.7, random(seed)), SCENE)
    assert 0.8 < brightened / 200 < 0.97


def test_interlaced_scenes_have_odd_rows_moved_or_one_field_only():
    moved = single = 0
    for seed in range(600):
        seen = plate_camera.interlace(SCENE, 1.0, random(seed))
        if np.array_equal(seen, SCENE):
            continue
        if np.array_equal(seen[::2], SCENE[::2]):
            shifts = [d for d in range(1, 6) if np.array_equal(seen[1::2, d:], SCENE[1::2, :-d])]
            assert len(shifts) == 1
            moved += 1
        else:
            field = cv2.resize(SCENE[::2], (188, 48), interpolation=cv2.INTER_LINEAR)
            np.testing.assert_array_equal(seen, field)
            single += 1
    assert 0.03 < moved / 600 < 0.1
    assert 0.06 < single / 600 < 0.15


def test_sharpening_leaves_halos_at_edges_and_flat_parts_alone():
    edge = np.full((24, 94, 3), 80, np.uint8)
    edge[:, 47:] = 160
    outcomes = [plate_camera.sharpen(edge, 1e-6, random(seed)) for seed in range(100)]  # too little for compression
    halos = [seen for seen in outcomes if not np.array_equal(seen, edge)]
    assert 35 < len(halos) < 65
    for seen in halos:
        assert seen[:, 46].max() < 80
        assert seen[:, 47].min() > 160
        np.testing.assert_array_equal(seen[:, :40], edge[:, :40])
        np.testing.assert_array_equal(seen[:, 54:], edge[:, 54:])


def test_some_pictures_are_compressed():
    changed = sum(not np.array_equal(plate_camera.sharpen(SCENE, 1.0, random(seed)), SCENE) for seed in range(100))
    assert 60 < changed < 90, "half are sharpened, half compressed"
