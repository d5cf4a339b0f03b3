"""What a model costs: parameters, and multiply-accumulates counted over the traced program.

Compilers count the operations of a compiled program, and take the body of a loop once; a recurrent reader would look
as cheap as one of its frames. Here every turn counts. Nothing is computed but shapes, so that models of any size can
be counted before anything is allocated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

_COUNTED_TURNS = ("while", "pallas_call", "shard_map")
"""Primitives whose body runs a number of times that their equation does not tell."""


def count_parameters(variables: Mapping[str, Any]) -> int:
    """Numbers in the ``params`` collection; arrays or `jax.ShapeDtypeStruct`s."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"]))


def count_macs(function: Callable[..., Any], *args: Any) -> int:
    """Multiply-accumulates of the matrix products and convolutions in a call of ``function``.

    A scan counts all its turns, cuDNN's LSTM as much as the scan in its place, a condition its most expensive branch,
    a choice by platform (`jax.lax.platform_dependent`) its default: a model costs the same wherever it is counted.
    Convolutions count taps on padding as well, and transposed ones every tap for each position of their input, not of
    the output: the usual conventions. Other operations (elementwise ones, decompositions, Fourier transforms, sums)
    count nothing. What is traced counts, used or not.

    Example::

      read = functools.partial(model.apply, train=False)
      variables = jax.eval_shape(functools.partial(model.init, train=False), key, images, widths)
      macs = count_macs(read, variables, images, widths)  # images, widths: jax.ShapeDtypeStruct

    Args:
      function: anything that JAX can trace.
      args: its arguments, arrays or `jax.ShapeDtypeStruct`s in any pytree.

    Raises:
      ValueError: products stand where how often they run is not known: in a loop without a fixed length, a kernel, a
        map over devices, or an operation with several bodies.
    """
    return _count(jax.make_jaxpr(function)(*args).jaxpr)


def _count(jaxpr: Jaxpr) -> int:
    platforms = [equation for equation in jaxpr.eqns if equation.primitive.name == "platform_index"]
    return sum(_count_equation(equation, platforms) for equation in jaxpr.eqns)


def _count_equation(equation: JaxprEqn, platforms: Sequence[JaxprEqn]) -> int:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        return _count_product(equation)
    if name == "conv_general_dilated":
        return _count_convolution(equation)
    if name == "rnn_fwd":
        return _count_lstm(equation)
    bodies = [_count(body) for body in jaxprs_in_params(params)]
    if name == "scan":
        return params["length"] * sum(bodies)
    if name == "cond":
        asked = [other.params["platforms"] for other in platforms if other.outvars[0] is equation.invars[0]]
        return bodies[asked[0].index(None)] if asked and None in asked[0] else max(bodies)
    if sum(bodies) and (name in _COUNTED_TURNS or len(bodies) > 1):
        raise ValueError(
            f"{name} holds matrix products or convolutions, and how often it runs them is not known: "
            "write it as a scan, a loop of fixed length or a condition, or count what it holds by itself"
        )
    return sum(bodies)


def _count_product(equation: JaxprEqn) -> int:
    """Every element of the output is a sum over the contracted axes."""
    left, output = _shape(equation.invars[0]), _shape(equation.outvars[0])
    (contracted, _), _ = equation.params["dimension_numbers"]
    return math.prod(output) * math.prod(left[axis] for axis in contracted)


def _count_lstm(equation: JaxprEqn) -> int:
    """In each frame of each sample, every weight but the biases: two for each gate of every layer and direction."""
    (batch, frames, _), (ways, _, units), (weights,) = (_shape(equation.invars[index]) for index in (0, 1, 3))
    return batch * frames * (weights - 2 * 4 * ways * units)


def _count_convolution(equation: JaxprEqn) -> int:
    """Every output channel is a sum over the kernel's input channels and, along each spatial axis, over its taps.

    Along an axis whose input is dilated, as that of a transposed convolution, most taps meet the zeros in between; each
    input position is multiplied once for each tap (or each output position, where these are fewer: the gradient of a
    kernel is a convolution whose output is the kernel).
    """
    dimensions, dilations = equation.params["dimension_numbers"], equation.params["lhs_dilation"]
    source, kernel, output = (
        [_shape(array)[axis] for axis in axes]
        for array, axes in (
            (equation.invars[0], dimensions.lhs_spec),
            (equation.invars[1], dimensions.rhs_spec),
            (equation.outvars[0], dimensions.out_spec),
        )
    )  # batch or output channels, then channels, then the spatial axes
    pairs = (
        positions * taps if dilation == 1 else size * min(taps, positions)
        for size, taps, positions, dilation in zip(source[2:], kernel[2:], output[2:], dilations, strict=True)
    )
    return output[0] * output[1] * kernel[1] * math.prod(pairs)


def _shape(variable: Any) -> tuple[int, ...]:
    return variable.aval.shape
