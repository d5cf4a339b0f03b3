"""The transposed convolution is the gradient of a plain one, with gradients of its own, on every platform."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ops.transposed_conv import TransposedConv, transposed_convolve
from tests.ops import plain_convolution
from tests.variables import random_variables

CASES = [  # size of pictures, kernel, strides, cropped
    ((4, 6), (2, 8), (2, 1), (1, 1)),
    ((3, 5), (3, 3), (2, 2), (1, 1)),
    ((5, 3), (4, 6), (2, 2), (0, 0)),
    ((5, 4), (3, 2), (1, 3), (2, 0)),
    ((1, 1), (1, 1), (1, 1), (0, 0)),
    ((2, 3), (2, 2), (3, 3), (0, 1)),  # gaps between the kernels
]


def turned(kernel):
    return kernel[::-1, ::-1].swapaxes(2, 3)


def with_gradients(images, kernel, weights, *, strides, cropped):
    def scalar(images, kernel):
        results = transposed_convolve(images, kernel, strides, cropped)
        return jnp.vdot(weights, results), results

    (_, results), gradients = jax.value_and_grad(scalar, (0, 1), has_aux=True)(images, kernel)
    return results, *gradients


def plainly(images, kernel, weights, *, strides, cropped):
    margins = (cropped[0],) * 2, (cropped[1],) * 2
    results, _ = plain_convolution.gradients(np.zeros_like(weights), turned(kernel), images, margins, strides)
    for_images = plain_convolution.convolve(weights, turned(kernel), margins, strides)
    _, for_kernel = plain_convolution.gradients(weights, turned(kernel), images, margins, strides)
    return results, for_images, turned(for_kernel)


def example(seed, size, kernel, strides, cropped):
    random = np.random.default_rng(seed)
    results = [(n - 1) * s + k - 2 * c for n, k, s, c in zip(size, kernel, strides, cropped, strict=True)]
    shapes = (2, *size, 5), (*kernel, 5, 3), (2, *results, 3)
    return [random.normal(size=shape).astype(np.float32) for shape in shapes]


@pytest.mark.parametrize(("size", "kernel", "strides", "cropped"), CASES)
def test_results_and_gradients_are_those_of_a_plain_sum(size, kernel, strides, cropped):
    run = jax.jit(functools.partial(with_gradients, strides=strides, cropped=cropped))
    for seed in range(3):
        arrays = example(seed, size, kernel, strides, cropped)
        for mine, expected in zip(run(*arrays), plainly(*arrays, strides=strides, cropped=cropped), strict=True):
            assert mine.shape == expected.shape
            np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_the_layer_is_flaxs_with_its_parameters(dtype):
    images = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    ours = TransposedConv(3, (3, 4), (2, 1), padding=1, dtype=dtype)
    theirs = nn.ConvTranspose(3, (3, 4), (2, 1), padding=[(1, 1), (2, 2)], dtype=dtype)
    variables = random_variables(theirs, images)
    expected, mine = jax.jit(lambda v, x: (theirs.apply(v, x), ours.apply(v, x)))(variables, images)
    assert mine.dtype == expected.dtype == dtype
    np.testing.assert_array_equal(mine, expected)


def test_of_several_kernels_at_once():
    options = {"strides": (2, 1), "cropped": (1, 1)}
    examples = [example(seed, (4, 6), (2, 8), *options.values()) for seed in range(3)]
    run = jax.jit(jax.vmap(functools.partial(with_gradients, **options)))
    found = run(*map(np.stack, zip(*examples, strict=True)))
    for number, arrays in enumerate(examples):
        for mine, expected in zip(found, plainly(*arrays, **options), strict=True):
            np.testing.assert_allclose(mine[number], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("platform", "products"), [("cpu", True), ("cuda", False), ("tpu", False)])
def test_the_gradient_of_the_kernel_is_products_on_cpus_alone(platform, products):
    images, kernel, weights = map(jnp.asarray, example(0, (3, 5), (3, 3), (2, 2), (1, 1)))

    def of_kernel(kernel):
        return jnp.sum(weights * transposed_convolve(images, kernel, (2, 2), (1, 1)))

    text = jax.jit(jax.grad(of_kernel)).trace(kernel).lower(lowering_platforms=(platform,)).as_text()
    assert ("dot_general" in text) is products
