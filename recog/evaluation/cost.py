"""Cost of a model: parameters, and multiply-accumulates of the traced program.

Compilers count the body of a loop once, so that a recurrent reader would look as cheap as one of its frames. Here every
iteration counts. Only shapes are computed, so that models of any size can be counted before anything is allocated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

_UNKNOWN_ITERATIONS = ("while", "pallas_call", "shard_map")
"""Primitives that run their body a number of times that is not a parameter of their equation."""


def count_parameters(variables: Mapping[str, Any]) -> int:
    """Number of scalars in the ``params`` collection; leaves are arrays or `jax.ShapeDtypeStruct`s."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"]))


def count_macs(function: Callable[..., Any], *args: Any) -> int:
    """Multiply-accumulates of the matrix products and convolutions in a call of ``function``.

    A scan counts all its iterations, cuDNN's LSTM as much as the equivalent scan, a condition its most expensive
    branch, `jax.lax.platform_dependent` its default: a model costs the same on every platform. By the usual
    conventions, convolutions include taps on padding, and transposed ones count every tap for each position of their
    input, not of their output. Other operations (elementwise ones, decompositions, Fourier transforms, sums) count
    zero. Traced operations count even if their results are not used.

    Example::

      read = functools.partial(model.apply, train=False)
      variables = jax.eval_shape(functools.partial(model.init, train=False), key, images, widths)
      macs = count_macs(read, variables, images, widths)  # images, widths: jax.ShapeDtypeStruct

    Args:
      function: anything that JAX can trace.
      args: its arguments, arrays or `jax.ShapeDtypeStruct`s in any pytree.

    Raises:
      ValueError: products run an unknown number of times: in a loop without a fixed length, a kernel, a map over
        devices, or an operation with several bodies.
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
        choices = [other.params["platforms"] for other in platforms if other.outvars[0] is equation.invars[0]]
        return bodies[choices[0].index(None)] if choices and None in choices[0] else max(bodies)
    if sum(bodies) and (name in _UNKNOWN_ITERATIONS or len(bodies) > 1):
        raise ValueError(
            f"{name} contains matrix products or convolutions that run an unknown number of times: "
            "write it as a scan, a loop of fixed length or a condition, or count its body separately"
        )
    return sum(bodies)


def _count_product(equation: JaxprEqn) -> int:
    """Elements of the output times the size of the contracted axes."""
    left, output = _shape(equation.invars[0]), _shape(equation.outvars[0])
    (contracted, _), _ = equation.params["dimension_numbers"]
    return math.prod(output) * math.prod(left[axis] for axis in contracted)


def _count_lstm(equation: JaxprEqn) -> int:
    """Weights times frames and samples, without the biases: two for each gate of every layer and direction."""
    (batch, frames, _), (directions, _, units), (weights,) = (_shape(equation.invars[index]) for index in (0, 1, 3))
    return batch * frames * (weights - 2 * 4 * directions * units)


def _count_convolution(equation: JaxprEqn) -> int:
    """Output elements times the kernel's input channels and taps.

    Along an axis with a dilated input, as in a transposed convolution, most taps meet the zeros in between. There each
    input position counts once for each tap, or for each output position if these are fewer: the gradient of a kernel is
    a convolution with the kernel's size as output.
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
