"""The depthwise convolution and its gradients equal XLA's grouped one for every size, stride and padding."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from recog.ops.depthwise import depthwise


def grouped(images, kernel, strides, padding):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(
        images, kernel, strides, padding, dimension_numbers=layout, feature_group_count=images.shape[-1]
    )


def with_gradients(convolve, images, kernel, strides, padding):
    def scalar(images, kernel):
        results = convolve(images, kernel, strides, padding)
        return jnp.sum(jnp.sin(results)), results

    return jax.value_and_grad(scalar, (0, 1), has_aux=True)(images, kernel)


@pytest.mark.parametrize(
    ("size", "kernel", "strides", "padding"),
    [
        ((6, 7), (3, 3), (1, 1), "SAME"),
        ((7, 6), (3, 3), (2, 2), "SAME"),
        ((6, 8), (5, 5), (2, 2), "SAME"),
        ((9, 7), (5, 5), (2, 2), "SAME"),
        ((2, 1), (5, 5), (1, 1), "SAME"),
        ((2, 1), (5, 5), (2, 2), "SAME"),
        ((8, 9), (3, 2), (2, 3), "VALID"),
        ((8, 9), (1, 2), (3, 1), ((2, 0), (0, 3))),
    ],
)
def test_results_and_gradients_equal_the_grouped_convolution(size, kernel, strides, padding):
    random = np.random.default_rng(0)
    images = random.normal(size=(2, *size, 3)).astype(np.float32)
    weights = random.normal(size=(*kernel, 1, 3)).astype(np.float32)
    both = jax.jit(lambda x, w: [with_gradients(f, x, w, strides, padding) for f in (depthwise, grouped)])
    mine, expected = both(images, weights)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), mine, expected)


def test_several_kernels_at_once():
    random = np.random.default_rng(1)
    images, kernels = random.normal(size=(2, 1, 5, 4, 3)), random.normal(size=(2, 3, 3, 1, 3))
    run = jax.jit(jax.vmap(functools.partial(with_gradients, depthwise, strides=(2, 2), padding="SAME")))
    found = run(jnp.float32(images), jnp.float32(kernels))
    expected = [
        with_gradients(grouped, jnp.float32(x), jnp.float32(w), (2, 2), "SAME")
        for x, w in zip(images, kernels, strict=True)
    ]
    for index, each in enumerate(expected):
        jax.tree.map(lambda a, b, i=index: np.testing.assert_allclose(a[i], b, rtol=1e-5, atol=1e-5), found, each)
