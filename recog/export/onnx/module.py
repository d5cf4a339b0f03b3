"""Place of a Flax module within a graph under construction, with its parameters."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from recog.export.onnx.graph import Graph

IMAGES = (0, 2, 3, 1)
"""Order of axes that turns ``B C H W`` into ``B H W C``."""
IN_TIME = (1, 0, 2)
"""Order of axes that turns ``T B D`` into ``B T D``."""


class Module(NamedTuple):
    """A Flax module by its path; emitters add its nodes to the graph.

    Example::

      module = Module(graph, {"params/conv1/conv/kernel": kernel})
      module["conv1"]["conv"].param("kernel")  # kernel
    """

    graph: Graph
    arrays: Mapping[str, np.ndarray]
    """Parameters and batch statistics of the whole model, by their flat names."""
    path: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> "Module":  # pyright: ignore[reportIncompatibleMethodOverride]
        """A module within this one."""
        return self._replace(path=(*self.path, name))

    def param(self, name: str) -> np.ndarray:
        """A parameter, float32."""
        return self.arrays["/".join(("params", *self.path, name))]

    def statistic(self, name: str) -> np.ndarray:
        """A batch statistic."""
        return self.arrays["/".join(("batch_stats", *self.path, name))]

    def has(self, name: str) -> bool:
        """Whether there is a parameter of this name."""
        return "/".join(("params", *self.path, name)) in self.arrays

    def mark(self, tensor: str, order: tuple[int, ...] = IMAGES) -> str:
        """Records the module's output, and returns it."""
        self.graph.mark(self.path, tensor, order)
        return tensor
