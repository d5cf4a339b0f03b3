"""Convolutions in tiles give the plain sum's numbers, forth and back."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops import winograd
from recog.ops.conv_forms import convolve
from tests.ops import plain_convolution

SAME = ((1, 1), (1, 1))


def noise(seed, *shapes) -> list[Any]:
    random = np.random.default_rng(seed)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize("size", winograd.POINTS)
def test_a_tile_is_the_correlation(size):
    matrices = winograd.transforms(size)
    inputs, kernel = (np.asarray(x, np.float64) for x in noise(size, size + 2, 3))
    results = matrices.of_output @ ((matrices.of_kernel @ kernel) * (matrices.of_input @ inputs))
    np.testing.assert_allclose(results, np.correlate(inputs, kernel), rtol=1e-12, atol=1e-12)


@functools.partial(jax.jit, static_argnums=3)
def value_and_gradients(images, kernel, gradient, margins):
    results, pull_back = jax.vjp(functools.partial(winograd.convolve, margins=margins), images, kernel)
    return results, *pull_back(gradient)


@pytest.mark.parametrize(
    ("shape", "margins"),
    [  # pictures B H W C, and D
        ((2, 13, 10, 3, 2), ((2, 1), (0, 2))),
        ((1, 3, 12, 1, 3), ((0, 0), (1, 1))),
        ((2, 7, 4, 2, 1), ((0, 1), (2, 2))),
        ((1, 9, 3, 3, 3), ((1, 2), (0, 0))),
        ((0, 5, 8, 1, 2), SAME),
    ],
    ids=str,
)
def test_value_and_gradients_are_the_plain_sums(shape, margins):
    batch, height, width, channels, features = shape
    results = [length + sum(zeros) - 2 for length, zeros in zip((height, width), margins, strict=True)]
    shapes = (batch, height, width, channels), (3, 3, channels, features), (batch, *results, features)
    for seed in range(3):
        images, kernel, gradient = noise(seed, *shapes)
        found = value_and_gradients(images, kernel, gradient, margins)
        expected = plain_convolution.convolve(images, kernel, margins)
        np.testing.assert_allclose(found[0], expected, atol=1e-4)
        for_images, for_kernel = plain_convolution.gradients(images, kernel, gradient, margins)
        np.testing.assert_allclose(found[1], for_images, atol=1e-4)
        np.testing.assert_allclose(found[2], for_kernel, atol=1e-3)


convolution = jax.jit(winograd.convolve, static_argnums=2)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 2)])
def test_smaller_than_the_kernel(shape):
    images, kernel = noise(0, (2, *shape, 3), (3, 3, 3, 4))
    expected = plain_convolution.convolve(images, kernel, SAME)
    np.testing.assert_allclose(convolution(images, kernel, SAME), expected, atol=1e-5)
    empty = jax.eval_shape(functools.partial(winograd.convolve, margins=((0, 1), (1, 1))), images[:, :1], kernel)
    assert empty.shape == (2, 0, shape[1], 4)


def test_rounding_errors_are_small_for_many_channels():
    """Of the size of the channels' sums; `jax.lax.conv_general_dilated` has a seventh."""
    images, kernel = noise(0, (4, 8, 12, 256), (3, 3, 256, 32))
    expected = plain_convolution.convolve(images, kernel, SAME)
    errors = np.asarray(convolution(images, kernel, SAME)) - expected
    assert np.sqrt(np.mean(errors**2)) < 3e-6 * expected.std()
    assert np.abs(errors).max() < 3e-5 * expected.std()


@pytest.mark.parametrize(
    ("results", "size"), [(1, 2), (2, 2), (3, 4), (4, 4), (5, 2), (6, 2), (8, 4), (25, 4), (100, 4)]
)
def test_tiles_have_the_size_of_fewest_products(results, size):
    assert winograd.tile_size(results) == size


def test_zeros_to_the_right_change_nothing():
    """A reading must not depend on how far a batch was padded."""
    images, kernel = noise(1, (2, 6, 9, 16), (3, 3, 16, 16))
    wide = np.pad(images, ((0, 0), (0, 0), (0, 14), (0, 0)))
    np.testing.assert_allclose(convolution(wide, kernel, SAME)[:, :, :9], convolution(images, kernel, SAME), atol=1e-5)


def test_no_number_stays_in_its_picture():
    images, kernel = noise(2, (3, 8, 8, 16), (3, 3, 16, 16))
    images[1, 2, 3] = np.nan
    results = np.asarray(convolution(images, kernel, SAME))
    assert np.isfinite(results[[0, 2]]).all()
    assert np.isnan(results[1, 2, 3]).all()


def test_cpu_programs_have_tiles_where_they_pay():
    """Many channels and results in float32: no convolution is left, forth and back."""

    def convolutions(channels, batch=16, stride=(1, 1), window=(3, 3), dtype=jnp.float32):
        def loss(images, kernel):
            return jnp.sum(convolve(images, kernel, stride, "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")) ** 2)

        images, kernel = jnp.ones((batch, 8, 8, channels), dtype), jnp.ones((*window, channels, channels), dtype)
        lowered = jax.jit(jax.grad(loss, (0, 1))).trace(images, kernel).lower(lowering_platforms=("cpu",))
        return lowered.as_text().count("stablehlo.convolution")

    assert convolutions(32) == 0
    assert convolutions(31) > 0
    assert convolutions(32, batch=15) > 0
    assert convolutions(32, stride=(2, 2)) > 0
    assert convolutions(32, window=(5, 5)) > 0
    assert convolutions(32, dtype=jnp.bfloat16) > 0


def test_a_program_for_any_size_has_the_numbers_of_one_for_its_size():
    batch, width = jax.export.symbolic_shape("b, w", constraints=["w >= 4"])
    kernel = noise(3, (3, 3, 32, 32))[0]
    function = jax.jit(
        lambda images: convolve(images, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    )
    program = jax.export.export(function, platforms=["cpu"])(jax.ShapeDtypeStruct((batch, 8, width, 32), np.float32))
    for shape, in_tiles in [((1, 8, 4, 32), False), ((3, 8, 23, 32), False), ((8, 8, 23, 32), True)]:
        (images,) = noise(4, shape)
        compiled = jax.jit(program.call).lower(images).compile()
        assert ("conv_general_dilated" not in str(compiled.as_text())) == in_tiles
        np.testing.assert_allclose(compiled(images), plain_convolution.convolve(images, kernel, SAME), atol=1e-4)
