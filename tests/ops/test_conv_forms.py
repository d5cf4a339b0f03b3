"""The convolution's numbers and gradients are those of JAX's own."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from recog.ops.conv_forms import convolve

LAYOUT = ("NHWC", "HWIO", "NHWC")
sizes, strides = st.sampled_from([1, 1, 3, 4, 5]), st.sampled_from([1, 1, 2])
margins = st.sampled_from([(0, 0), (0, 0), (1, 2), (-1, 0), (-6, -1)])


def values_and_gradients(function, *arguments):
    """What it gives by itself, where its gradient is asked for, and the gradient."""

    def scalar(*arguments):
        value = function(*arguments)
        return jnp.sum(jnp.sin(value)), value

    (_, value), gradients = jax.jit(jax.value_and_grad(scalar, (0, 1), has_aux=True))(*arguments)
    return jax.jit(function)(*arguments), value, *gradients


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(sizes, sizes),
    st.tuples(strides, strides),
    st.one_of(st.sampled_from(["SAME", "VALID"]), st.tuples(margins, margins)),
    st.sampled_from([(2, 3, 3), (2, 3, 8), (2, 6, 4), (2, 6, 9), (2, 32, 32), (32, 32, 32)]),
    st.integers(0, 2**31),
)
def test_value_and_gradients_equal_jax(size, stride, padding, batch_and_channels, seed):
    random, (batch, channels, results) = np.random.default_rng(seed), batch_and_channels
    images = random.normal(size=(batch, 9, 7, channels)).astype(np.float32)
    kernel = random.normal(size=(*size, channels, results)).astype(np.float32) / channels
    ours = values_and_gradients(lambda x, k: convolve(x, k, stride, padding, dimension_numbers=LAYOUT), images, kernel)
    theirs = values_and_gradients(
        lambda x, k: lax.conv_general_dilated(x, k, stride, padding, dimension_numbers=LAYOUT), images, kernel
    )
    for mine, expected in zip(ours, theirs, strict=True):
        largest = np.max(np.abs(expected), initial=1.0)  # sums of many cancel, by tiles of rounded parts
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=2e-5 * largest)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"strides": (2, 1)},
        {"kernel_dilation": (2, 1)},
        {"input_dilation": 2, "padding": [(0, 0), (0, 0)]},
        {"feature_group_count": 2},
    ],
)
@pytest.mark.parametrize("kernel", [(1, 1), (3, 2)])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_layer_computes_the_same_with_it(kernel, options, dtype):
    images = jax.random.normal(jax.random.key(0), (2, 8, 9, 4))
    layers = [nn.Conv(6, kernel, dtype=dtype, **options, conv_general_dilated=own) for own in (None, convolve)]
    variables = layers[0].init(jax.random.key(1), images)
    expected, mine = (jnp.asarray(layer.apply(variables, images)) for layer in layers)
    assert mine.dtype == expected.dtype == dtype
    tolerance = 1e-5 if dtype == jnp.float32 else 1e-2
    np.testing.assert_allclose(mine, expected, rtol=tolerance, atol=tolerance)  # sums in another order


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
    random = np.random.default_rng(0)
    images = random.normal(size=(4, 2, 9, 7, 3)[mapped[0] is None :]).astype(np.float32)
    kernels = random.normal(size=(4, *size, 3, 5)[mapped[1] is None :]).astype(np.float32)

    def ours(x, k):
        return convolve(x, k, (2, 1), "SAME", dimension_numbers=LAYOUT)

    together = jax.vmap(lambda x, k: values_and_gradients(ours, x, k), mapped)(images, kernels)
    for number in range(4):
        alone = (x if axis is None else x[number] for x, axis in zip((images, kernels), mapped, strict=True))
        for mine, expected in zip(together, values_and_gradients(ours, *alone), strict=True):
            np.testing.assert_allclose(mine[number], expected, rtol=1e-4, atol=1e-4)
