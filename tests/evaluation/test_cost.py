"""Counted multiply-accumulates against formulas written out and against XLA's count of single operations."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax import lax

from recog.evaluation.cost import count_macs, count_parameters
from recog.models.crnn import CRNN, CRNNConfig


def abstract(*shape):
    return jax.ShapeDtypeStruct(shape, np.float32)


SQUARE = abstract(5, 5)
PRODUCT = 5 * 5 * 5


def matmul(a, b):
    return a @ b


def convolve(image, kernel, **options):
    """NHWC."""
    options = {"window_strides": (1, 1), "padding": "VALID"} | options
    return lax.conv_general_dilated(image, kernel, dimension_numbers=("NHWC", "HWIO", "NHWC"), **options)


def xla_macs(function, *args):
    """XLA counts two operations for each multiply-accumulate, and none for taps on padding or between dilated rows."""
    analysis = jax.jit(function).lower(*args).cost_analysis()
    assert analysis is not None
    return analysis["flops"] / 2


def test_a_dense_layer_is_rows_times_inputs_times_outputs():
    layer = nn.Dense(7)
    variables = jax.eval_shape(layer.init, jax.random.key(0), abstract(4, 3, 5))
    assert count_macs(layer.apply, variables, abstract(4, 3, 5)) == 4 * 3 * 5 * 7
    assert count_parameters(variables) == 5 * 7 + 7


@pytest.mark.parametrize(
    ("subscripts", "shapes", "macs"),
    [
        ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)], 2 * 3 * 4 * 6 * 5),
        ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)], 2 * 3 * 4 * 5),
        ("ijk,jkl->il", [(2, 3, 4), (3, 4, 5)], 2 * 3 * 4 * 5),
        ("i,j->ij", [(3,), (4,)], 3 * 4),
        ("i,i->", [(6,), (6,)], 6),
    ],
)
def test_a_product_is_all_its_letters(subscripts, shapes, macs):
    assert count_macs(functools.partial(jnp.einsum, subscripts), *(abstract(*shape) for shape in shapes)) == macs


@pytest.mark.parametrize(
    ("options", "kernel", "macs"),
    [
        ({}, (3, 2, 6, 4), 2 * (8 * 11) * (3 * 2) * 6 * 4),
        ({"padding": "SAME"}, (3, 2, 6, 4), 2 * (10 * 12) * (3 * 2) * 6 * 4),  # taps on padding count
        ({"window_strides": (2, 3)}, (3, 2, 6, 4), 2 * (4 * 4) * (3 * 2) * 6 * 4),
        ({"rhs_dilation": (2, 3)}, (3, 2, 6, 4), 2 * (6 * 9) * (3 * 2) * 6 * 4),
        ({"feature_group_count": 2}, (3, 2, 3, 4), 2 * (8 * 11) * (3 * 2) * 3 * 4),
        ({"feature_group_count": 6}, (3, 2, 1, 6), 2 * (8 * 11) * (3 * 2) * 1 * 6),
    ],
    ids=["valid", "same", "strided", "dilated", "grouped", "depthwise"],
)
def test_a_convolution_is_positions_times_taps_times_channels(options, kernel, macs):
    assert count_macs(functools.partial(convolve, **options), abstract(2, 10, 12, 6), abstract(*kernel)) == macs


@pytest.mark.parametrize("padding", ["SAME", "VALID", [(1, 1), (0, 2)]])
def test_a_transposed_convolution_meets_each_input_position_once_for_each_tap(padding):
    layer = nn.ConvTranspose(7, (4, 3), (2, 3), padding=padding)
    variables = jax.eval_shape(layer.init, jax.random.key(0), abstract(2, 5, 6, 3))
    assert count_macs(layer.apply, variables, abstract(2, 5, 6, 3)) == 2 * (5 * 6) * (4 * 3) * 3 * 7


sizes = st.integers(1, 4)


@settings(max_examples=50)
@given(st.tuples(sizes, sizes), st.tuples(sizes, sizes), st.tuples(sizes, sizes), sizes, sizes, sizes)
def test_without_padding_convolutions_are_counted_as_by_xla(kernel, strides, dilation, groups, channels, batch):
    image, weights = abstract(batch, 13, 14, groups * channels), abstract(*kernel, channels, 2 * groups)
    forward = functools.partial(convolve, window_strides=strides, rhs_dilation=dilation, feature_group_count=groups)
    assert count_macs(forward, image, weights) == xla_macs(forward, image, weights)


@settings(max_examples=25)
@given(st.tuples(sizes, sizes), st.tuples(st.integers(2, 4), st.integers(2, 4)), sizes, sizes)
def test_uncropped_transposed_convolutions_are_counted_as_by_xla(kernel, strides, channels, batch):
    image, weights = abstract(batch, 5, 6, channels), abstract(*kernel, channels, 3)
    padding = [(size - 1, size - 1) for size in kernel]
    forward = functools.partial(convolve, padding=padding, lhs_dilation=strides)
    assert count_macs(forward, image, weights) == xla_macs(forward, image, weights)


@pytest.mark.parametrize("groups", [1, 3])
def test_gradients_of_a_strided_convolution_cost_as_much_as_the_convolution(groups):
    image, weights = abstract(2, 11, 14, 6), abstract(3, 2, 6 // groups, 3)
    forward = functools.partial(convolve, window_strides=(2, 3), feature_group_count=groups)
    output = jax.eval_shape(forward, image, weights)

    def to_image(weights, gradient):
        return jax.linear_transpose(lambda image: forward(image, weights), image)(gradient)

    def to_weights(image, gradient):
        return jax.linear_transpose(lambda weights: forward(image, weights), weights)(gradient)

    macs = count_macs(forward, image, weights)
    assert count_macs(to_image, weights, output) == macs
    assert count_macs(to_weights, image, output) == macs


@given(st.integers(0, 40), st.integers(1, 4))
@settings(max_examples=10)
def test_a_scan_counts_every_turn(length, inner):
    def twice(a, b):
        def step(carry, _):
            return lax.fori_loop(0, inner, lambda _, x: x @ b, carry) @ b, None

        return lax.scan(step, a, length=length)[0]

    assert count_macs(twice, SQUARE, SQUARE) == length * (inner + 1) * PRODUCT


def test_calls_are_looked_into():
    @jax.custom_vjp
    def with_vjp(a):
        return a @ a

    with_vjp.defvjp(lambda a: (a @ a @ a, a), lambda a, gradient: (gradient @ a @ a @ a,))

    @jax.custom_jvp
    def with_jvp(a):
        return a @ a

    with_jvp.defjvp(lambda primals, tangents: (with_jvp(*primals), tangents[0] @ primals[0]))

    def function(a):
        for call in (
            jax.jit(jax.jit(with_vjp)),
            with_jvp,
            jax.checkpoint(with_jvp),
            jax.named_call(with_vjp, name="x"),
        ):
            a = call(a)
        return a + jnp.sum(jax.nn.relu(lax.map(lambda row: row @ a, a)))

    assert count_macs(function, SQUARE) == 5 * PRODUCT
    assert count_macs(jax.vmap(jax.jit(with_jvp)), abstract(3, 5, 5)) == 3 * PRODUCT


def test_a_backward_pass_counts_what_it_multiplies():
    def forward(a, b):
        return jnp.sum(jnp.square(jax.jit(matmul)(a, b)))

    assert count_macs(jax.value_and_grad(forward, (0, 1)), SQUARE, SQUARE) == 3 * PRODUCT


def test_a_choice_by_platform_counts_its_default():
    """What one platform's way of computing it saves, or adds, is not the model's."""
    once, twice = (lambda a: a @ a), (lambda a: a @ a @ a)
    assert count_macs(lambda a: lax.platform_dependent(a, cpu=once, default=twice), SQUARE) == 2 * PRODUCT
    assert count_macs(lambda a: lax.platform_dependent(a, cpu=twice, default=once), SQUARE) == PRODUCT
    assert count_macs(lambda a: lax.platform_dependent(a, cpu=once, cuda=twice), SQUARE) == 2 * PRODUCT


def test_a_condition_counts_its_most_expensive_branch():
    def function(choice, a):
        return lax.switch(choice, [lambda a: a, lambda a: a @ a @ a, lambda a: a @ a], a)

    assert count_macs(function, jax.ShapeDtypeStruct((), np.int32), SQUARE) == 2 * PRODUCT


def test_loops_of_unknown_length_are_refused_where_they_hold_products():
    def halve(a, step):
        return lax.while_loop(lambda a: jnp.max(a) > 1, step, a)

    assert count_macs(lambda a: halve(a @ a, lambda a: a / 2), SQUARE) == PRODUCT
    with pytest.raises(ValueError, match=r"^while .*write it as a scan"):
        count_macs(lambda a: halve(a, lambda b: b @ b), SQUARE)
    with pytest.raises(ValueError, match="custom_linear_solve"):
        count_macs(lambda a: lax.custom_linear_solve(lambda x: a @ x, a[0], lambda _, b: a @ b, symmetric=True), SQUARE)


def test_other_operations_count_nothing():
    def function(a):
        return jnp.linalg.svd(jnp.sort(jnp.cumsum(a * a, axis=0)), compute_uv=False) + jnp.max(a[::2])

    assert count_macs(function, SQUARE) == 0


def test_the_crnn_equals_a_count_by_hand_and_nothing_is_allocated():
    height, width, classes, units = 32, 100, 37, 256
    channels = (1, 64, 128, 256, 256, 512, 512, 512)
    positions = (height * width, 16 * 50, 8 * 25, 8 * 25, 4 * 26, 4 * 26, 1 * 26)  # of convolutions 1 to 7, after pools
    taps = (9, 9, 9, 9, 9, 9, 4)
    convolutions = sum(p * t * i * o for p, t, i, o in zip(positions, taps, channels[:-1], channels[1:], strict=True))
    frames, ways, gates = 26, 2, 4 * units
    first = frames * ways * (512 + units) * gates
    second = frames * ways * (256 + units) * gates
    projection, classifier = frames * 2 * units * 256, frames * 2 * units * classes

    model = CRNN(CRNNConfig(), classes)
    images, widths = abstract(3, height, width, 1), jax.ShapeDtypeStruct((3,), np.int32)
    variables = jax.eval_shape(functools.partial(model.init, train=False), jax.random.key(0), images, widths)
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in jax.tree.leaves(variables))
    macs = count_macs(functools.partial(model.apply, train=False), variables, images, widths)
    assert macs == 3 * (convolutions + first + second + projection + classifier)
    assert (count_parameters(variables), macs // 3) == (8_326_693, 705_143_808)


def test_only_parameters_are_counted_as_such():
    variables = {"params": {"a": np.zeros((2, 3)), "b": {"c": abstract(4), "d": jnp.zeros(())}}}
    assert count_parameters({**variables, "batch_stats": {"mean": np.zeros(9)}}) == 2 * 3 + 4 + 1
