"""Cost of a model: parameters, and multiply-accumulates of the traced program.

Compilers count the body of a loop once, so that a recurrent reader would look as cheap as one of its frames. Here every
iteration counts. Only shapes are computed, so that models of any size can be counted before anything is allocated.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
from jax.extend.core import Jaxpr, JaxprEqn, jaxprs_in_params

_UNKNOWN_ITERATIONS = ("while", "pallas_call", "shard_map")
"""Primitives that run their body a number of times that is not a parameter of their equation."""


def count_parameters(variables: Mapping[str, Any]) -> int:
    """Number of scalars in the ``params`` collection; leaves are arrays or `jax.ShapeDtypeStruct`s."""
    return sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(variables["params"]))


class Product(NamedTuple):
    """A matrix product, or the one that a convolution is."""

    rows: int
    """Rows of the result: positions of a convolution's output, of all samples."""
    columns: int
    """Columns of the result: output channels."""
    contracted: int
    """Summands of each element of the result: input channels times taps."""
    times: int = 1
    """Number of such products: iterations of a loop, groups of a convolution, axes that both arguments share."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates."""
        return self.rows * self.columns * self.contracted * self.times


def count_macs(function: Callable[..., Any], *args: Any) -> int:
    """Multiply-accumulates of the matrix products and convolutions in a call of ``function``; see `list_products`."""
    return sum(product.macs for product in list_products(function, *args))


def list_products(function: Callable[..., Any], *args: Any) -> list[Product]:
    """Matrix products and convolutions in a call of ``function``.

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
    return _products(jax.make_jaxpr(function)(*args).jaxpr)


def _products(jaxpr: Jaxpr) -> list[Product]:
    platforms = [equation for equation in jaxpr.eqns if equation.primitive.name == "platform_index"]
    return [product for equation in jaxpr.eqns for product in _products_of(equation, platforms)]


def _products_of(equation: JaxprEqn, platforms: Sequence[JaxprEqn]) -> list[Product]:
    name, params = equation.primitive.name, equation.params
    if name == "dot_general":
        return [_product(equation)]
    if name == "conv_general_dilated":
        return [_convolution(equation)]
    if name == "rnn_fwd":
        return [_lstm(equation)]
    bodies = [_products(body) for body in jaxprs_in_params(params)]
    together = [product for body in bodies for product in body]
    if name == "scan":
        return [product._replace(times=params["length"] * product.times) for product in together]
    if name == "cond":
        choices = [other.params["platforms"] for other in platforms if other.outvars[0] is equation.invars[0]]
        if choices and None in choices[0]:
            return bodies[choices[0].index(None)]
        return max(bodies, key=lambda body: sum(product.macs for product in body))
    if together and (name in _UNKNOWN_ITERATIONS or len(bodies) > 1):
        raise ValueError(
            f"{name} contains matrix products or convolutions that run an unknown number of times: "
            "write it as a scan, a loop of fixed length or a condition, or count its body separately"
        )
    return together


def _product(equation: JaxprEqn) -> Product:
    """The result has the shared axes first, then the free ones of the left and of the right argument."""
    left, right = (_shape(variable) for variable in equation.invars)
    (contracted, right_contracted), (shared, right_shared) = equation.params["dimension_numbers"]
    return Product(
        rows=math.prod(size for axis, size in enumerate(left) if axis not in (*contracted, *shared)),
        columns=math.prod(size for axis, size in enumerate(right) if axis not in (*right_contracted, *right_shared)),
        contracted=math.prod(left[axis] for axis in contracted),
        times=math.prod(left[axis] for axis in shared),
    )


def _lstm(equation: JaxprEqn) -> Product:
    """Weights times frames and samples, without the biases: two for each gate of every layer and direction."""
    (batch, frames, _), (directions, _, units), (weights,) = (_shape(equation.invars[index]) for index in (0, 1, 3))
    gates = 4 * directions * units
    return Product(rows=batch, columns=gates, contracted=(weights - 2 * gates) // gates, times=frames)


def _convolution(equation: JaxprEqn) -> Product:
    """Output elements by the kernel's input channels and taps.

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
    rows, taps = output[0], 1
    for size, window, positions, dilation in zip(source[2:], kernel[2:], output[2:], dilations, strict=True):
        rows *= positions if dilation == 1 else size
        taps *= window if dilation == 1 else min(window, positions)
    groups = equation.params["feature_group_count"]
    return Product(rows, output[1] // groups, kernel[1] * taps, groups)


def _shape(variable: Any) -> tuple[int, ...]:
    return variable.aval.shape
