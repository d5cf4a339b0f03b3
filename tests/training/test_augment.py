"""Augmentation: what it may change, by how much, and what it never looks at."""

import functools

import cv2
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.batch import Batch
from recog.training.augment import AugmentConfig, augment

ROWS, HEIGHT, WIDTH = 16, 32, 96
WIDTHS = np.array([96, 95, 80, 64, 40, 33, 20, 7] * 2, np.int32)
KEY = jax.random.key(3)
RNG = np.random.default_rng(0)
ALL = AugmentConfig(rotation=5, shear=0.15, scale=0.15, translate=0.1, brightness=0.1, contrast=0.3, noise=0.05)
MOVES = AugmentConfig(rotation=10, shear=0.15, scale=0.2, translate=0.1)
Y, X = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)


def batch_of(images: np.ndarray, widths: np.ndarray = WIDTHS) -> Batch:
    """The pictures with their padding set to zero."""
    live = np.arange(images.shape[2]) < widths[:, None]
    rows = len(widths)
    return Batch(
        images=np.where(live[:, None, :, None], images, 0).astype(images.dtype),
        widths=widths,
        labels=np.ones((rows, 4), np.int32),
        label_lengths=np.full(rows, 4, np.int32),
        ids=np.arange(rows, dtype=np.int32),
        mask=np.ones(rows, bool),
    )


PICTURES = RNG.integers(0, 256, (ROWS, HEIGHT, WIDTH, 3), dtype=np.uint8)
BATCH = batch_of(PICTURES)


@functools.cache
def compiled(config_items: tuple[tuple[str, float], ...]):
    return jax.jit(functools.partial(augment, AugmentConfig(**dict(config_items))))


def changed(config: AugmentConfig, batch: Batch = BATCH, key: jax.Array = KEY) -> np.ndarray:
    """The pictures that a compiled augmentation makes of a batch; of floats and three channels, to compile less."""
    images = np.broadcast_to(batch.images, (ROWS, HEIGHT, WIDTH, 3)).astype(np.float32)
    return np.asarray(compiled(tuple(vars(config).items()))(key, batch._replace(images=images)).images)


def columns(images: np.ndarray) -> list[np.ndarray]:
    """Each picture without its padding."""
    return [image[:, :width] for image, width in zip(images, WIDTHS, strict=True)]


def test_no_range_is_no_change_and_no_work():
    assert augment(AugmentConfig(), KEY, BATCH) is BATCH
    program = jax.make_jaxpr(functools.partial(augment, AugmentConfig()))(KEY, BATCH)
    assert not program.eqns
    assert list(program.jaxpr.outvars) == list(program.jaxpr.invars[1:])


@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_range_and_padding_stay_and_pixels_are_float(channels):
    batch = BATCH._replace(images=PICTURES[..., :channels])
    out = compiled(tuple(vars(ALL).items()))(KEY, batch)
    assert out.images.shape == batch.images.shape
    assert out.images.dtype == jnp.float32
    for ours, theirs in zip(out[1:], batch[1:], strict=True):
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
    for config in (AugmentConfig(rotation=10), AugmentConfig(translate=0.1), AugmentConfig(brightness=0.2)):
        images = changed(config, same)
        assert len(np.unique(images.reshape(ROWS, -1), axis=0)) == ROWS


@pytest.mark.parametrize("config", [ALL, MOVES, AugmentConfig(contrast=0.5), AugmentConfig(brightness=0.2)])
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


def test_saturation_of_grayscale_pictures_is_refused():
    with pytest.raises(ValueError, match=r"set data\.channels=3"):
        augment(AugmentConfig(saturation=0.1), KEY, BATCH._replace(images=BATCH.images[..., :1]))


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
        augment(AugmentConfig(**{field: -0.1}), KEY, BATCH)
