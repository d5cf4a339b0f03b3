"""Convolutions in tiles give the plain sum's numbers, forth and back."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recog.ops import winograd
from recog.ops.conv_forms import convolve

SAME = ((1, 1), (1, 1))


def plain(images, kernel, margins):
    """The sum over the window, in float64."""
    images, kernel = (np.asarray(x, np.float64) for x in (images, kernel))
    images = np.pad(images, ((0, 0), *margins, (0, 0)))
    rows, columns = images.shape[1] - 2, images.shape[2] - 2
    windows = ((images[:, y : y + rows, x : x + columns], kernel[y, x]) for y in range(3) for x in range(3))
    return np.sum([seen @ matrix for seen, matrix in windows], axis=0)


def plain_gradients(images, kernel, gradient, margins):
    images, kernel, gradient = (np.asarray(x, np.float64) for x in (images, kernel, gradient))
    padded = np.pad(images, ((0, 0), *margins, (0, 0)))
    for_padded, for_kernel = np.zeros_like(padded), np.zeros(kernel.shape)
    rows, columns = gradient.shape[1:3]
    for y in range(3):
        for x in range(3):
            place = np.s_[:, y : y + rows, x : x + columns]
            for_padded[place] += gradient @ kernel[y, x].T
            for_kernel[y, x] = np.tensordot(padded[place], gradient, ([0, 1, 2], [0, 1, 2]))
    (above, _), (left, _) = margins
    return for_padded[:, above : above + images.shape[1], left : left + images.shape[2]], for_kernel


def noise(seed, *shapes):
    random = np.random.default_rng(seed)
    return [jnp.asarray(random.normal(size=shape), jnp.float32) for shape in shapes]


@pytest.mark.parametrize("size", winograd.POINTS)
def test_a_tile_is_the_correlation(size):
    matrices = winograd.transforms(size)
    inputs, kernel = (np.asarray(x, np.float64) for x in noise(size, size + 2, 3))
    results = matrices.of_output @ ((matrices.of_kernel @ kernel) * (matrices.of_input @ inputs))
    np.testing.assert_allclose(results, np.correlate(inputs, kernel), rtol=1e-12, atol=1e-12)


margins = st.tuples(st.integers(0, 2), st.integers(0, 2))


@settings(max_examples=8, deadline=None)
@given(
    st.tuples(st.integers(0, 2), st.integers(3, 13), st.integers(3, 13), st.integers(1, 3), st.integers(1, 3)),
    st.tuples(margins, margins),
    st.integers(0, 2**31),
)
def test_value_and_gradients_are_the_plain_sums(shape, margins, seed):
    batch, height, width, channels, features = shape
    images, kernel = noise(seed, (batch, height, width, channels), (3, 3, channels, features))
    expected = plain(images, kernel, margins)
    results, pull_back = jax.vjp(functools.partial(winograd.convolve, margins=margins), images, kernel)
    np.testing.assert_allclose(results, expected, atol=1e-4)
    (gradient,) = noise(seed, expected.shape)
    mine = pull_back(gradient)
    for_images, for_kernel = plain_gradients(images, kernel, gradient, margins)
    np.testing.assert_allclose(mine[0], for_images, atol=1e-4)
    np.testing.assert_allclose(mine[1], for_kernel, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (2, 2)])
def test_smaller_than_the_kernel(shape):
    images, kernel = noise(0, (2, *shape, 3), (3, 3, 3, 4))
    np.testing.assert_allclose(winograd.convolve(images, kernel, SAME), plain(images, kernel, SAME), atol=1e-5)
    assert winograd.convolve(images[:, :1], kernel, ((0, 1), (1, 1))).shape == (2, 0, shape[1], 4)


def test_rounding_errors_are_small_for_many_channels():
    """Of the size of the channels' sums; `jax.lax.conv_general_dilated` has a seventh."""
    images, kernel = noise(0, (4, 8, 12, 256), (3, 3, 256, 32))
    expected = plain(images, kernel, SAME)
    errors = np.asarray(jax.jit(winograd.convolve, static_argnums=2)(images, kernel, SAME)) - expected
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
    wide = jnp.pad(images, ((0, 0), (0, 0), (0, 14), (0, 0)))
    convolution = jax.jit(winograd.convolve, static_argnums=2)
    np.testing.assert_allclose(convolution(wide, kernel, SAME)[:, :, :9], convolution(images, kernel, SAME), atol=1e-5)


def test_no_number_stays_in_its_picture():
    images, kernel = noise(2, (3, 8, 8, 16), (3, 3, 16, 16))
    results = np.asarray(winograd.convolve(images.at[1, 2, 3].set(jnp.nan), kernel, SAME))
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
        compiled = str(jax.jit(program.call).lower(images).compile().as_text())
        assert ("conv_general_dilated" not in compiled) == in_tiles
        np.testing.assert_allclose(program.call(images), plain(images, kernel, SAME), atol=1e-4)
