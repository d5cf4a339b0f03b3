"""The convolution's numbers and gradients are those of a plain sum, whatever its form."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from recog.ops.conv_forms import convolve
from tests.ops import plain_convolution
from tests.variables import random_variables

LAYOUT = ("NHWC", "HWIO", "NHWC")
CASES = [  # kernel, strides, padding; batch, channels of pictures and of results
    ((1, 1), (1, 1), "SAME", (2, 6, 4)),
    ((1, 1), (2, 1), ((1, 2), (0, 0)), (2, 3, 8)),
    ((1, 1), (1, 2), ((-6, -1), (-1, 0)), (2, 6, 9)),
    ((1, 3), (1, 1), "SAME", (2, 6, 4)),
    ((1, 3), (1, 1), "VALID", (2, 6, 9)),
    ((3, 1), (1, 1), ((1, 2), (-1, 0)), (2, 3, 3)),
    ((3, 1), (2, 1), "SAME", (2, 32, 32)),
    ((1, 4), (1, 1), ((-1, 0), (1, 2)), (2, 32, 32)),
    ((4, 1), (2, 2), "SAME", (2, 6, 4)),
    ((1, 5), (1, 1), "SAME", (2, 6, 4)),
    ((5, 1), (1, 1), ((-1, 0), (1, 2)), (2, 3, 8)),
    ((5, 1), (2, 1), "VALID", (2, 6, 9)),
    ((1, 5), (1, 2), ((0, 0), (-1, 0)), (2, 3, 3)),
    ((5, 1), (1, 1), ((-6, -1), (0, 0)), (2, 6, 4)),
    ((3, 3), (1, 1), "SAME", (2, 3, 8)),
    ((3, 3), (1, 1), "SAME", (2, 3, 32)),
    ((3, 3), (2, 1), ((1, 2), (-1, 0)), (2, 3, 32)),
    ((3, 3), (1, 1), "SAME", (2, 32, 32)),
    ((3, 3), (1, 1), "SAME", (32, 32, 32)),
    ((3, 3), (1, 1), ((1, 2), (-1, 0)), (32, 32, 32)),
    ((3, 3), (1, 2), "SAME", (32, 32, 32)),
    ((4, 3), (2, 2), "VALID", (2, 6, 9)),
    ((3, 4), (1, 1), ((-6, -1), (1, 2)), (2, 6, 9)),
    ((5, 4), (1, 2), ((1, 2), (0, 0)), (2, 6, 4)),
]


def values_and_gradients(images, kernel, weights, *, strides, padding):
    """What it gives by itself, where its gradient is asked for, and the gradient of its weighted sum."""
    function = functools.partial(convolve, strides=strides, padding=padding, dimension_numbers=LAYOUT)

    def scalar(images, kernel):
        value = function(images, kernel)
        return jnp.vdot(weights, value), value

    (_, value), gradients = jax.value_and_grad(scalar, (0, 1), has_aux=True)(images, kernel)
    return function(images, kernel), value, *gradients


def plainly(images, kernel, weights, *, strides, padding):
    if isinstance(padding, str):
        above, aside = lax.padtype_to_pads(images.shape[1:3], kernel.shape[:2], strides, padding)
        padding = above, aside
    value = plain_convolution.convolve(images, kernel, padding, strides)
    return value, value, *plain_convolution.gradients(images, kernel, weights, padding, strides)


def shape_of_results(images, kernel, **options):
    return jax.eval_shape(functools.partial(convolve, dimension_numbers=LAYOUT, **options), images, kernel).shape


@pytest.mark.parametrize(("size", "strides", "padding", "batch_and_channels"), CASES, ids=str)
def test_value_and_gradients_equal_a_plain_sum(size, strides, padding, batch_and_channels):
    (batch, channels, results), options = batch_and_channels, {"strides": strides, "padding": padding}
    ours = jax.jit(functools.partial(values_and_gradients, **options))
    for seed in range(3):
        random = np.random.default_rng(seed)
        images = random.normal(size=(batch, 9, 7, channels)).astype(np.float32)
        kernel = random.normal(size=(*size, channels, results)).astype(np.float32) / channels
        weights = random.uniform(-1, 1, shape_of_results(images, kernel, **options)).astype(np.float32)
        expected = plainly(images, kernel, weights, **options)
        for mine, theirs in zip(ours(images, kernel, weights), expected, strict=True):
            assert mine.shape == theirs.shape
            largest = np.max(np.abs(theirs), initial=1.0)  # sums of many cancel, by tiles of rounded parts
            np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=2e-5 * largest)


def layers(kernel, dtype, **options):
    """Flax's layer, and the same with our convolution."""
    return [nn.Conv(6, kernel, dtype=dtype, **options, conv_general_dilated=own) for own in (None, convolve)]


IMAGES = np.random.default_rng(0).normal(size=(2, 8, 9, 4)).astype(np.float32)


@pytest.mark.parametrize("options", [{}, {"strides": (2, 1)}])
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_layer_computes_the_same_with_it(kernel, options, dtype):
    theirs, ours = layers(kernel, dtype, **options)
    variables = random_variables(theirs, IMAGES)
    expected, mine = jax.jit(lambda v, x: (theirs.apply(v, x), ours.apply(v, x)))(variables, IMAGES)
    assert mine.dtype == expected.dtype == dtype
    tolerance = 1e-5 if dtype == jnp.float32 else 1e-2
    np.testing.assert_allclose(mine, expected, rtol=tolerance, atol=tolerance)  # sums in another order


@pytest.mark.parametrize(
    "options",
    [
        {"kernel_dilation": (2, 1)},
        {"input_dilation": 2, "padding": [(0, 0), (0, 0)]},
        {"feature_group_count": 2},
    ],
)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_what_has_no_form_of_its_own_is_left_to_jax(kernel, options, dtype):
    theirs, ours = (
        jax.make_jaxpr(layer.apply)(random_variables(layer, IMAGES), IMAGES)
        for layer in layers(kernel, dtype, **options)
    )
    assert "conv_general_dilated" in str(theirs)
    assert str(ours) == str(theirs)


@pytest.mark.parametrize("kernel", [(1, 3), (3, 3)])
@pytest.mark.parametrize(("platform", "products"), [("cpu", True), ("cuda", False), ("tpu", False)])
def test_the_form_is_the_platforms_that_a_program_is_lowered_for(kernel, platform, products):
    """Traced on a CPU machine, an export for GPUs convolves as GPUs do."""

    def loss(images, matrix):
        return jnp.sum(convolve(images, matrix, (1, 1), "SAME", dimension_numbers=LAYOUT) ** 2)

    of_both = jax.jit(jax.grad(loss, (0, 1)))
    traced = of_both.trace(jnp.ones((2, 8, 9, 4)), jnp.ones((*kernel, 4, 6)))
    assert ("dot_general" in traced.lower(lowering_platforms=(platform,)).as_text()) is products


@pytest.mark.parametrize("size", [(1, 3), (3, 3)])
@pytest.mark.parametrize("mapped", [(0, 0), (0, None), (None, 0)])
def test_of_several_kernels_or_pictures_at_once(size, mapped):
    random, options = np.random.default_rng(0), {"strides": (2, 1), "padding": "SAME"}
    images = random.normal(size=(4, 2, 9, 7, 3)[mapped[0] is None :]).astype(np.float32)
    kernels = random.normal(size=(4, *size, 3, 5)[mapped[1] is None :]).astype(np.float32)
    weights = random.normal(size=(2, 5, 7, 5)).astype(np.float32)
    one = functools.partial(values_and_gradients, weights=weights, **options)
    together = jax.jit(jax.vmap(lambda images, kernel: one(images, kernel), mapped))(images, kernels)
    for number in range(4):
        pictures, kernel = (x if axis is None else x[number] for x, axis in zip((images, kernels), mapped, strict=True))
        for mine, expected in zip(together, plainly(pictures, kernel, weights, **options), strict=True):
            np.testing.assert_allclose(mine[number], expected, rtol=1e-4, atol=1e-4)
