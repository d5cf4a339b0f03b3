"""Augmentation: what it may change, by how much, and what it never looks at."""

import colorsys
import dataclasses
import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.codecs import BoxCodec, BoxLabel, LabelledBox, TextCodec, fill
from recog.geometry import bilinear_sample, projective_points
from recog.training.augment import AugmentConfig, augment
from recog.training.augment.light import turn_hue
from recog.training.augment.optics import gaussian
from recog.training.augment.warp import move, random_matrices
from tests.batches import text_batch

ROWS, HEIGHT, WIDTH = 16, 32, 96
WIDTHS = np.array([96, 95, 80, 64, 40, 33, 20, 7] * 2, np.int32)
KEY = jax.random.key(3)
RNG = np.random.default_rng(0)
TEXT = TextCodec(Alphabet("0123456789"))
ALL = AugmentConfig(
    rotation=5,
    shear=0.15,
    scale=0.15,
    translate=0.1,
    perspective=0.1,
    brightness=0.1,
    contrast=0.3,
    blur=1,
    noise=0.05,
    erasing=0.1,
)
COLOURS = AugmentConfig(saturation=0.3, hue=0.1, blur=0.5)
MOVES = AugmentConfig(rotation=10, shear=0.15, scale=0.2, translate=0.1)
Y, X = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)


def batch_of(images: np.ndarray, widths: np.ndarray = WIDTHS) -> Batch:
    """The pictures with their padding set to zero."""
    live = np.arange(images.shape[2]) < widths[:, None]
    rows = len(widths)
    images = np.where(live[:, None, :, None], images, 0).astype(images.dtype)
    return text_batch(images, widths, np.ones((rows, 4), np.int32), np.full(rows, 4, np.int32))


PICTURES = RNG.integers(0, 256, (ROWS, HEIGHT, WIDTH, 3), dtype=np.uint8)
BATCH = batch_of(PICTURES)


blurred = jax.jit(gaussian, static_argnums=3)


def augmented(config: AugmentConfig, key: jax.Array, batch: Batch) -> Batch:
    """Augmentation of texts, which stay what they are wherever they stand."""
    return augment(config, key, batch, TEXT)


@functools.cache
def compiled(config_items: tuple[tuple[str, float], ...]):
    return jax.jit(functools.partial(augmented, AugmentConfig(**dict(config_items))))


def changed(config: AugmentConfig, batch: Batch = BATCH, key: jax.Array = KEY) -> np.ndarray:
    """The pictures that a compiled augmentation makes of a batch; of floats and three channels, to compile less."""
    images = np.broadcast_to(batch.images, (ROWS, HEIGHT, WIDTH, 3)).astype(np.float32)
    return np.asarray(compiled(tuple(vars(config).items()))(key, batch._replace(images=images)).images)


def columns(images: np.ndarray) -> list[np.ndarray]:
    """Each picture without its padding."""
    return [image[:, :width] for image, width in zip(images, WIDTHS, strict=True)]


def test_no_range_is_no_change_and_no_work():
    assert augmented(AugmentConfig(), KEY, BATCH) is BATCH
    program = jax.make_jaxpr(functools.partial(augmented, AugmentConfig()))(KEY, BATCH)
    assert not program.eqns
    assert list(program.jaxpr.outvars) == list(program.jaxpr.invars[1:])


@pytest.mark.parametrize(("channels", "dtype"), [(1, np.uint8), (3, np.float32)])
def test_shapes_range_and_padding_stay_and_pixels_are_float(channels, dtype):
    batch = BATCH._replace(images=PICTURES[..., :channels].astype(dtype))
    out = compiled(tuple(vars(ALL).items()))(KEY, batch)
    assert out.images.shape == batch.images.shape
    assert out.images.dtype == jnp.float32
    for ours, theirs in zip(jax.tree.leaves(out[1:]), jax.tree.leaves(batch[1:]), strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    images = np.asarray(out.images)
    assert images.min() >= 0
    assert images.max() <= 255
    for row, width in enumerate(WIDTHS):
        assert not images[row, :, width:].any()
        assert (images[row, :, :width] != PICTURES[row, :, :width, :channels]).any()


def test_the_key_alone_decides():
    images = changed(ALL)
    np.testing.assert_array_equal(images, changed(ALL))
    assert (images != changed(ALL, key=jax.random.key(4))).any()


def test_each_sample_is_changed_in_its_own_way():
    same = batch_of(np.repeat(PICTURES[:1], ROWS, axis=0), np.full(ROWS, WIDTH, np.int32))
    for config in (
        AugmentConfig(rotation=10),
        AugmentConfig(translate=0.1),
        AugmentConfig(perspective=0.24),
        AugmentConfig(brightness=0.2),
        AugmentConfig(hue=0.2),
        AugmentConfig(blur=2),
        AugmentConfig(erasing=0.1),
    ):
        images = changed(config, same)
        assert len(np.unique(images.reshape(ROWS, -1), axis=0)) == ROWS


@pytest.mark.parametrize(
    "config",
    [ALL, MOVES, COLOURS, AugmentConfig(contrast=0.5), AugmentConfig(brightness=0.2), AugmentConfig(perspective=0.24)],
)
def test_the_padding_is_never_read_and_stays_zero(config):
    live = np.arange(WIDTH) < WIDTHS[:, None]
    loud = BATCH._replace(images=np.where(live[:, None, :, None], BATCH.images, 255).astype(np.uint8))
    images = changed(config, loud)
    np.testing.assert_array_equal(images, changed(config))
    assert not any(image[:, width:].any() for image, width in zip(images, WIDTHS, strict=True))


def test_rows_without_a_sample_stay_empty_and_disturb_no_other():
    widths, mask = WIDTHS.copy(), BATCH.mask.copy()
    widths[[0, 5]], mask[[0, 5]] = 0, False
    empty = batch_of(PICTURES, widths)._replace(mask=mask)
    images = changed(ALL, empty)
    assert not images[[0, 5]].any()
    np.testing.assert_array_equal(images[mask], changed(ALL)[mask])


def maps(config: AugmentConfig) -> np.ndarray:
    """The affine map of each sample: pictures hold their own coordinates, so outputs say where they looked."""
    coordinates = np.repeat(np.stack([X, Y, 0 * X], axis=-1)[None], ROWS, axis=0)
    found = []
    for image, width in zip(changed(config, batch_of(coordinates)), WIDTHS.tolist(), strict=True):
        x, y = image[:, :width, 0], image[:, :width, 1]
        inside = (x > 0) & (x < width - 1) & (y > 0) & (y < HEIGHT - 1)
        here = np.stack([X[:, :width][inside], Y[:, :width][inside], np.ones(inside.sum())], axis=-1)
        solution, *_ = np.linalg.lstsq(here, np.stack([x[inside], y[inside]], axis=-1), rcond=None)
        np.testing.assert_allclose(here @ solution, np.stack([x[inside], y[inside]], axis=-1), atol=2e-3)
        found.append(solution.T)
    return np.stack(found)


def middles() -> np.ndarray:
    return np.stack([(WIDTHS - 1) / 2, np.full(ROWS, (HEIGHT - 1) / 2), np.ones(ROWS)], axis=-1)


@pytest.mark.parametrize(
    "config",
    [AugmentConfig(rotation=10), AugmentConfig(shear=0.2), AugmentConfig(scale=0.25)],
    ids=["turn", "shear", "scale"],
)
def test_the_middle_of_each_picture_stays_where_it_is(config):
    np.testing.assert_allclose(np.einsum("bij,bj->bi", maps(config), middles()), middles()[:, :2], atol=2e-3)


def test_a_rotation_is_one_by_at_most_the_angle_either_way():
    linear = maps(AugmentConfig(rotation=10))[:, :, :2]
    np.testing.assert_allclose(linear @ linear.transpose(0, 2, 1), np.broadcast_to(np.eye(2), (ROWS, 2, 2)), atol=2e-3)
    degrees = np.rad2deg(np.arctan2(linear[:, 1, 0], linear[:, 0, 0]))
    assert (abs(degrees) <= 10.1).all()
    assert degrees.min() < -3
    assert degrees.max() > 3


def test_a_shear_shifts_rows():
    linear = maps(AugmentConfig(shear=0.2))[:, :, :2]
    np.testing.assert_allclose(linear[:, [0, 1, 1], [0, 0, 1]], np.tile([1, 0, 1], (ROWS, 1)), atol=2e-3)
    assert abs(linear[:, 0, 1]).max() <= 0.201
    assert linear[:, 0, 1].min() < -0.05
    assert linear[:, 0, 1].max() > 0.05


def test_width_and_height_are_scaled_each_by_itself():
    linear = maps(AugmentConfig(scale=0.25))[:, :, :2]
    np.testing.assert_allclose(linear[:, [0, 1], [1, 0]], 0, atol=2e-3)
    wide, high = linear[:, 0, 0], linear[:, 1, 1]
    for factor in (wide, high):
        assert 1 / 1.251 < factor.min() < 0.95
        assert 1.05 < factor.max() < 1.251
    assert abs(wide - high).min() > 1e-3


def test_a_shift_is_in_parts_of_the_height():
    shift = maps(AugmentConfig(translate=0.1))
    np.testing.assert_allclose(shift[:, :, :2], np.broadcast_to(np.eye(2), (ROWS, 2, 2)), atol=2e-3)
    assert abs(shift[:, :, 2]).max() <= 3.21
    assert shift[:, :, 2].min(axis=0).max() < -1
    assert shift[:, :, 2].max(axis=0).min() > 1


def test_the_pictures_are_those_that_opencv_warps():
    smooth = np.stack([cv2.GaussianBlur(picture, (0, 0), 3) for picture in PICTURES])
    warped = [
        cv2.warpAffine(
            picture,
            matrix,
            picture.shape[1::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for picture, matrix in zip(columns(smooth), maps(MOVES), strict=True)
    ]
    for ours, theirs in zip(columns(changed(MOVES, batch_of(smooth))), warped, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2)


def homographies(limit: float) -> np.ndarray:
    """The projective map of each sample, found as `maps` finds affine ones."""
    coordinates = np.repeat(np.stack([X, Y, 0 * X], axis=-1)[None], ROWS, axis=0)
    found = []
    images = columns(changed(AugmentConfig(perspective=limit), batch_of(coordinates)))
    for image, width in zip(images, WIDTHS.tolist(), strict=True):
        x, y = image[..., 0], image[..., 1]
        inside = (x > 0.01) & (x < width - 1.01) & (y > 0.01) & (y < HEIGHT - 1.01)
        here = np.stack([X[:, :width][inside], Y[:, :width][inside]], axis=-1).astype(np.float64)
        there = np.stack([x[inside], y[inside]], axis=-1).astype(np.float64)
        matrix, _ = cv2.findHomography(here, there)
        np.testing.assert_allclose(cv2.perspectiveTransform(here[None], matrix)[0], there, atol=5e-3)
        found.append(matrix)
    return np.stack(found)


def corners(width: float, height: float) -> np.ndarray:
    return np.array([[0, 0], [width, 0], [width, height], [0, height]]) - 0.5


@pytest.mark.parametrize("limit", [0.05, 0.24])
def test_a_perspective_shifts_each_corner_by_itself_and_keeps_their_order(limit):
    shifts = []
    for matrix, width in zip(homographies(limit), WIDTHS.tolist(), strict=True):
        own = corners(width, HEIGHT)
        seen = cv2.perspectiveTransform(own[None], matrix)[0]
        assert cv2.isContourConvex(seen.astype(np.float32))
        assert cv2.contourArea(seen.astype(np.float32), oriented=True) > 0, "no mirror image"
        shifts.append((seen - own) / min(width, HEIGHT))
    shifts = np.stack(shifts)  # sample, corner, axis
    assert abs(shifts).max() <= limit + 0.01
    assert (shifts.min(axis=0) < -limit / 3).all()
    assert (shifts.max(axis=0) > limit / 3).all()
    assert len(np.unique(shifts.round(4), axis=0)) == ROWS


def test_pictures_in_perspective_are_those_that_opencv_warps():
    smooth = np.stack([cv2.GaussianBlur(picture, (0, 0), 3) for picture in PICTURES])
    warped = [
        cv2.warpPerspective(
            picture,
            matrix,
            picture.shape[1::-1],
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        )
        for picture, matrix in zip(columns(smooth), homographies(0.24), strict=True)
    ]
    for ours, theirs in zip(columns(changed(AugmentConfig(perspective=0.24), batch_of(smooth))), warped, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2)


def test_brightness_is_added_to_every_pixel():
    gray = np.full((ROWS, HEIGHT, WIDTH, 1), 128, np.uint8)
    images = columns(changed(AugmentConfig(brightness=0.2), batch_of(gray)))
    for image in images:
        np.testing.assert_allclose(image, image[0, 0, 0], atol=1e-3)
    added = np.array([image[0, 0, 0] for image in images]) - 128
    assert abs(added).max() <= 0.2 * 255
    assert added.min() < -10
    assert added.max() > 10


def test_brightness_ends_at_black_and_white():
    for value in (0, 255):
        images = changed(AugmentConfig(brightness=0.2), batch_of(np.full((ROWS, HEIGHT, WIDTH, 1), value, np.uint8)))
        shades = [image[0, 0, 0] for image in columns(images)]
        assert (min(shades), max(shades))[value == 0] != value
        assert value in shades


def test_contrast_stretches_about_the_mean_of_the_picture():
    middling = PICTURES // 4 + 96
    stretched = changed(AugmentConfig(contrast=0.5), batch_of(middling))
    factors = []
    for ours, theirs in zip(columns(stretched), columns(middling), strict=True):
        np.testing.assert_allclose(ours.mean(), theirs.mean(), atol=0.05)
        factors.append(ours.std() / theirs.std())
        np.testing.assert_allclose(ours - theirs.mean(), factors[-1] * (theirs - theirs.mean()), atol=0.1)
    assert 1 / 1.51 < min(factors) < 0.85
    assert 1.15 < max(factors) < 1.51


def test_saturation_scales_colours_about_their_own_grey():
    coloured = np.random.default_rng(3).integers(96, 160, (ROWS, HEIGHT, WIDTH, 3)).astype(np.uint8)
    images = columns(changed(AugmentConfig(saturation=0.5), batch_of(coloured)))
    factors = []
    for ours, theirs in zip(images, columns(coloured), strict=True):
        grey = cv2.cvtColor(theirs.astype(np.float32), cv2.COLOR_RGB2GRAY)[..., None]
        factors.append(float(np.vdot(ours - grey, theirs - grey) / np.vdot(theirs - grey, theirs - grey)))
        np.testing.assert_allclose(ours - grey, factors[-1] * (theirs - grey), atol=0.1)
    assert 1 / 1.51 < min(factors) < 0.85
    assert 1.15 < max(factors) < 1.51


def wheel(pixels: np.ndarray, turn: float) -> np.ndarray:
    """RGB pixels, 0 to 255, through colorsys in float64."""
    hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in pixels.reshape(-1, 3).astype(np.float64) / 255]
    return 255 * np.array([colorsys.hsv_to_rgb((h + turn) % 1, s, v) for h, s, v in hsv]).reshape(pixels.shape)


def test_hues_turn_as_those_of_colorsys():
    extremes = np.stack(np.meshgrid(*[[0.0, 128.0, 255.0]] * 3), axis=-1).reshape(1, 27, 1, 3)  # greys and ties too
    random = np.random.default_rng(4).uniform(0, 255, (5, 27, 10, 3))
    images = np.concatenate([np.broadcast_to(extremes, (5, 27, 1, 3)), random], axis=2)
    turns = np.array([0, 0.1, -0.25, 0.5, 1 / 3])
    turned = jax.jit(turn_hue)(jnp.asarray(images, jnp.float32), jnp.asarray(turns, jnp.float32))
    for ours, theirs, turn in zip(turned, images, turns, strict=True):
        np.testing.assert_allclose(ours, wheel(theirs, turn), atol=1e-2)


def test_the_hue_of_all_pixels_of_a_picture_turns_alike():
    vivid = np.random.default_rng(5).integers(0, 256, (ROWS, HEIGHT, WIDTH, 3)).astype(np.uint8)
    vivid[..., 0] //= 4  # so that no pixel is grey
    vivid[..., 1] //= 2
    vivid[..., 2] = 255
    turns = []
    for ours, theirs in zip(columns(changed(AugmentConfig(hue=0.2), batch_of(vivid))), columns(vivid), strict=True):
        after, before = (
            np.array([colorsys.rgb_to_hsv(*pixel)[0] for pixel in x[::8, ::3].reshape(-1, 3) / 255])
            for x in (ours, theirs)
        )
        turn = (after - before + 0.5) % 1 - 0.5
        np.testing.assert_allclose(turn, turn[0], atol=1e-3)
        turns.append(turn[0])
    assert -0.201 < min(turns) < -0.08
    assert 0.08 < max(turns) < 0.201


@pytest.mark.parametrize("field", ["saturation", "hue"])
def test_colours_of_grayscale_pictures_are_refused(field):
    with pytest.raises(ValueError, match=rf"augment\.{field} .*set data\.channels=3"):
        augmented(AugmentConfig(**{field: 0.1}), KEY, BATCH._replace(images=BATCH.images[..., :1]))


def test_blur_is_that_of_opencv_within_each_picture():
    sigmas = np.linspace(0.3, 2.5, ROWS).astype(np.float32)
    images = np.asarray(blurred(BATCH.images.astype(np.float32), BATCH.sizes, sigmas, 8))
    for ours, theirs, sigma in zip(columns(images), columns(PICTURES), sigmas.tolist(), strict=True):
        expected = cv2.GaussianBlur(theirs.astype(np.float32), (17, 17), sigma, borderType=cv2.BORDER_REPLICATE)
        np.testing.assert_allclose(ours, expected, atol=1e-2)


def test_a_blur_of_nothing_changes_nothing():
    images = BATCH.images.astype(np.float32)
    same = np.asarray(blurred(images, BATCH.sizes, np.zeros(ROWS, np.float32), 8))
    for ours, theirs in zip(columns(same), columns(images), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_blur_is_as_wide_as_drawn():
    points = np.zeros((ROWS, HEIGHT, WIDTH, 3), np.uint8)
    points[:, 16, 48] = 255
    images = changed(AugmentConfig(blur=2), batch_of(points, np.full(ROWS, WIDTH, np.int32)))[..., 0]
    np.testing.assert_allclose(images.sum(axis=(1, 2)), 255, rtol=1e-4)
    sigmas = np.sqrt([np.sum(image * (X - 48) ** 2) / 255 for image in images])
    np.testing.assert_allclose(sigmas, np.sqrt([np.sum(image * (Y - 16) ** 2) / 255 for image in images]), atol=1e-2)
    assert 0 <= sigmas.min() < 0.6
    assert 1.4 < sigmas.max() <= 2


@pytest.mark.parametrize("limit", [0.1, 1.0])
def test_one_rectangle_of_one_colour_is_painted_into_each_picture(limit):
    images = columns(changed(AugmentConfig(erasing=limit), batch_of(np.full_like(PICTURES, 128))))
    shares, tops, colours = [], [], []
    for image, width in zip(images, WIDTHS.tolist(), strict=True):
        painted = (image != 128).any(axis=-1)
        if not painted.any():  # too small to cover the middle of a pixel
            continue
        rows, cols = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
        box = image[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
        assert painted.sum() == box.shape[0] * box.shape[1], "a rectangle, and nothing else"
        np.testing.assert_array_equal(box, np.broadcast_to(box[0, 0], box.shape))
        assert (box.shape[0] - 1) * (box.shape[1] - 1) <= limit * HEIGHT * width
        if rows[0] > 0 and rows[-1] < HEIGHT - 1 and box.shape[1] < width:
            assert 0.3 * (box.shape[1] - 1) <= box.shape[0] + 1
            assert 0.3 * (box.shape[0] - 1) <= box.shape[1] + 1
        shares.append(painted.sum() / painted.size)
        tops.append(rows[0])
        colours.append(box[0, 0])
    assert len(shares) >= ROWS - 3
    assert max(shares) > limit / 2
    assert min(shares) < limit / 3
    assert len(set(tops)) > 3
    assert np.ptp(colours, axis=0).min() > 100


@pytest.mark.parametrize(
    ("field", "value"), [("rotation", 46), ("perspective", 0.25), ("hue", 0.6), ("blur", 9), ("erasing", 1.1)]
)
def test_a_range_beyond_reason_is_refused(field, value):
    with pytest.raises(ValueError, match=rf"augment\.{field}={value}: lower it"):
        augmented(AugmentConfig(**{field: value}), KEY, BATCH)


def test_noise_is_independent_and_as_strong_as_drawn():
    gray = batch_of(np.full((ROWS, HEIGHT, WIDTH, 1), 128, np.uint8))
    noise = [image - 128 for image in columns(changed(AugmentConfig(noise=0.1), gray))]
    deviations = [x.std() for x in noise]
    assert max(deviations) <= 1.1 * 0.1 * 255
    assert max(deviations) > 3 * min(deviations)
    for x, deviation in zip(noise[:5], deviations[:5], strict=True):
        assert abs(x.mean()) < 4 * deviation / np.sqrt(x.size)
        assert abs(np.mean(x[:, 1:] * x[:, :-1])) < 5 * deviation**2 / np.sqrt(x.size)


@pytest.mark.parametrize("field", list(vars(AugmentConfig())))
def test_a_negative_range_is_refused(field):
    with pytest.raises(ValueError, match=f"{field}=-0.1.*must not be negative"):
        augmented(AugmentConfig(**{field: -0.1}), KEY, BATCH)


def test_boxes_move_with_the_pixels_below_them():
    """A white square stays inside the box around it, and fills it as well as it did."""
    codec = BoxCodec(("square",), most=2)
    images, targets = np.zeros((ROWS, HEIGHT, WIDTH, 3), np.uint8), codec.zeros(ROWS)
    square = LabelledBox(np.array([[40, 10], [52, 10], [52, 22], [40, 22]], np.float32), "square")
    for row in range(ROWS):
        images[row, 10:22, 40:52] = 255
        fill(targets, row, codec.encode(BoxLabel((square,))))
    config = dataclasses.replace(MOVES, perspective=0.1)
    batch = batch_of(images, np.full(ROWS, WIDTH, np.int32))._replace(targets=targets)
    moved = jax.jit(lambda key, batch: augment(config, key, batch, codec))(KEY, batch)
    corners = np.asarray(moved.targets.corners)
    np.testing.assert_array_equal(moved.targets.mask, targets.mask)
    np.testing.assert_array_equal(corners[:, 1], 0)
    assert np.abs(corners[:, 0] - square.corners).max() > 2, "the squares have moved"
    for row in range(ROWS):
        box = np.zeros((HEIGHT, WIDTH), np.uint8)
        cv2.fillConvexPoly(box, np.round((corners[row, 0] - 0.5) * 256).astype(np.int32), (1,), cv2.LINE_8, shift=8)
        white = np.asarray(moved.images)[row, :, :, 0]
        inside, ink = white[box > 0].sum(), white.sum()
        assert inside > 0.93 * ink
        assert ink / (255 * cv2.contourArea(corners[row, 0])) == pytest.approx(1, abs=0.1)


def test_maps_tell_where_pixels_went():
    images = np.random.default_rng(0).uniform(0, 255, (2, HEIGHT, WIDTH, 1)).astype(np.float32)
    moved, maps = move(
        dataclasses.replace(MOVES, perspective=0.1), KEY, jnp.asarray(images), jnp.array([[HEIGHT, WIDTH]] * 2)
    )
    back = projective_points(maps, HEIGHT, WIDTH)  # where each pixel of the old picture is in the new one
    again = bilinear_sample(moved, back)
    middle = np.s_[:, 12:20, 40:56]
    blurred = np.abs(np.asarray(again)[middle] - images[middle]).mean()
    assert blurred < 0.5 * np.abs(np.asarray(moved)[middle] - images[middle]).mean()


def test_rows_below_a_picture_are_like_columns_beside_it():
    """A picture lying on its side is changed as the standing one, and its padding is neither read nor filled."""
    heights = np.array([32, 20, 9, 1] * 4, np.int32)
    loud = np.where(np.arange(HEIGHT)[:, None, None] < heights[:, None, None, None], PICTURES, 255).astype(np.uint8)
    sizes = np.stack([heights, np.full(ROWS, WIDTH)], axis=1)
    for config in (ALL, dataclasses.replace(ALL, zoom=1.0)):
        images = [changed(config, BATCH._replace(images=x, sizes=sizes)) for x in (loud, PICTURES)]
        rows = np.arange(HEIGHT)[:, None, None] < heights[:, None, None, None]
        padded = np.where(rows, PICTURES, 0)
        np.testing.assert_array_equal(images[0], images[1])
        np.testing.assert_array_equal(images[0], changed(config, BATCH._replace(images=padded, sizes=sizes)))
        assert not np.where(rows, 0, images[0]).any()


def test_zoom_keeps_the_aspect_ratio():
    sizes = jnp.array([[HEIGHT, WIDTH]] * ROWS)
    matrices = np.asarray(random_matrices(AugmentConfig(zoom=1.0), KEY, sizes))
    np.testing.assert_allclose(matrices[:, 0, 0], matrices[:, 1, 1], rtol=1e-6)
    assert 0.5 <= matrices[:, 0, 0].min() < 0.8
    assert 1.25 < matrices[:, 0, 0].max() <= 2
    middle = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2, 1])
    np.testing.assert_allclose(matrices @ middle, np.tile(middle[:2], (ROWS, 1)), atol=1e-4)
