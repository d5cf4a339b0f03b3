"""Construction of an ONNX graph: nodes with fresh names, shared constants, and differences between opsets."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from onnx import ModelProto, ValueInfoProto, helper, numpy_helper

OPSETS = range(13, 22)
"""Versions of the operator set that graphs can be written in."""
LARGEST_SHARED = 64
"""Maximum number of elements of a constant that is looked up among those written before."""

_REDUCED_BY_ATTRIBUTE = 18
"""Opset from which all reductions take their axes as an input; `ReduceSum` does from 13."""
_IR_VERSIONS = {13: 7, 14: 7, 15: 8, 16: 8, 17: 8, 18: 8, 19: 9, 20: 9, 21: 10}
"""Version of the file format that came with each opset, so that runtimes of its time load the file."""


class Layer(NamedTuple):
    """A tensor that equals the output of a Flax module."""

    path: tuple[str, ...]
    """Names of the modules, outermost first."""
    tensor: str
    """Name of the tensor."""
    order: tuple[int, ...]
    """Permutation of its axes that gives the order of Flax."""


class Graph:
    """A graph under construction; methods that add nodes return names of tensors.

    Example::

      graph = Graph(opset=17)
      x = graph.input("x", np.float32, ("batch", 4))
      graph.output("y", graph.op("Relu", x), np.float32, ("batch", 4))
      model = graph.model("example", {})

    Args:
      opset: version of the operator set, of `OPSETS`.
    """

    def __init__(self, opset: int):
        self.opset = opset
        self.layers: list[Layer] = []
        self._nodes, self._initializers = [], []
        self._inputs: list[ValueInfoProto] = []
        self._outputs: list[ValueInfoProto] = []
        self._shared: dict[tuple, str] = {}
        self._count = 0

    def input(self, name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> str:
        """Adds an input; axes named by a string are of any size."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, tensor: str, dtype: type[np.generic], shape: Sequence[int | str]) -> None:
        """Makes a tensor an output under this name."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name], name=f"output:{name}"))
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, value: Any, dtype: Any = None) -> str:
        """A constant (initializer); Python integers become int64, floats float32."""
        array = np.asarray(value)
        if dtype is None and array.dtype == np.float64:
            dtype = np.float32
        array = np.ascontiguousarray(array.astype(dtype or array.dtype)).reshape(array.shape)
        key = array.dtype.str, array.shape, array.tobytes() if array.size <= LARGEST_SHARED else None
        if key[2] is not None and key in self._shared:
            return self._shared[key]
        name = self._fresh("constant")
        self._initializers.append(numpy_helper.from_array(array, name))
        if key[2] is not None:
            self._shared[key] = name
        return name

    def weights(self, value: np.ndarray, factor: np.ndarray | None = None) -> str:
        """A float32 constant, times a factor in float64 that broadcasts against it.

        Weights whose values float16 represents exactly, as those of artifacts in half precision, are stored so, in half
        the size. Runtimes cast and multiply them once, when they load the program.
        """
        with np.errstate(over="ignore"):
            half = np.asarray(value).astype(np.float16)
        if half.size <= LARGEST_SHARED or not np.array_equal(half, value):
            return self.constant(value if factor is None else value * factor, np.float32)
        single = self.cast(self.constant(half), np.float32)
        return single if factor is None else self.multiply(single, factor)

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Adds a node with one output."""
        return self.ops(kind, 1, *inputs, **attributes)[0]

    def ops(self, kind: str, outputs: int, *inputs: str, **attributes: Any) -> list[str]:
        """Adds a node with several outputs."""
        names = [self._fresh(kind) for _ in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], **attributes))
        return names

    def reduce(self, kind: str, x: str, axes: Sequence[int], keepdims: bool = False) -> str:
        """Adds ``ReduceMean``, ``ReduceMax`` and the like."""
        if kind == "ReduceSum" or self.opset >= _REDUCED_BY_ATTRIBUTE:
            return self.op(kind, x, self.constant(list(axes)), keepdims=int(keepdims))
        return self.op(kind, x, axes=list(axes), keepdims=int(keepdims))

    def cast(self, x: str, dtype: type[np.generic]) -> str:
        """Converts to a type."""
        return self.op("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))

    def transpose(self, x: str, *order: int) -> str:
        """Permutes the axes."""
        return self.op("Transpose", x, perm=order)

    def reshape(self, x: str, *shape: int) -> str:
        """Reshapes; 0 keeps an axis, -1 is computed."""
        return self.op("Reshape", x, self.constant(list(shape)))

    def unsqueeze(self, x: str, *axes: int) -> str:
        """Inserts axes of size 1."""
        return self.op("Unsqueeze", x, self.constant(list(axes)))

    def squeeze(self, x: str, *axes: int) -> str:
        """Removes axes of size 1."""
        return self.op("Squeeze", x, self.constant(list(axes)))

    def slice(self, x: str, axis: int, start: int, end: int, step: int = 1) -> str:
        """Slices one axis."""
        return self.op("Slice", x, *(self.constant([value]) for value in (start, end, axis, step)))

    def add(self, x: str, value: Any) -> str:
        """Adds a constant."""
        return self.op("Add", x, self.constant(value))

    def multiply(self, x: str, value: Any) -> str:
        """Multiplies by a constant."""
        return self.op("Mul", x, self.constant(value))

    def size(self, x: str, axis: int) -> str:
        """Size of an axis, int64 without axes."""
        return self.op("Gather", self.op("Shape", x), self.constant(axis), axis=0)

    def below(self, lengths: str, count: str) -> str:
        """Mask ``B N``, true at positions below each row's length; ``count`` is the tensor with N."""
        positions = self.op("Range", self.constant(0), count, self.constant(1))
        return self.op("Less", positions, self.unsqueeze(lengths, 1))

    def mark(self, path: Sequence[str], tensor: str, order: Sequence[int]) -> None:
        """Records that a tensor equals the output of a Flax module, for comparisons."""
        self.layers.append(Layer(tuple(path), tensor, tuple(order)))

    def model(self, name: str, properties: dict[str, str]) -> ModelProto:
        """The finished model.

        Args:
          name: name of the graph.
          properties: entries of ``metadata_props``.
        """
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, self._initializers)
        model = helper.make_model(
            graph,
            producer_name="recog",
            opset_imports=[helper.make_opsetid("", self.opset)],
            ir_version=_IR_VERSIONS[self.opset],
        )
        helper.set_model_props(model, properties)
        return model

    def _fresh(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def _value(name: str, dtype: type[np.generic], shape: Sequence[int | str]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), list(shape))
