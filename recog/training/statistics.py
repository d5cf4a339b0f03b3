"""Statistics of batch normalisation over a whole set of pictures, in place of those of training (AdaBN).

Y. Li, N. Wang, J. Shi, J. Liu, X. Hou, "Revisiting Batch Normalization For Practical Domain Adaptation", 2016.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np
from flax.traverse_util import flatten_dict, unflatten_dict
from jax.sharding import Mesh
from jaxtyping import Float

from recog.batch import Batch
from recog.mesh import put_batch, replicated
from recog.ops.batch_norm import EPSILON, BatchNorm, Moments, input_moments
from recog.tasks.task import Task, Variables
from recog.training.freeze import STATISTICS

SETTLED = 1e-4
"""Maximum change of means, in standard deviations, and of standard deviations, relative, of statistics that have
settled."""


class Recomputed(NamedTuple):
    """Variables with statistics of other pictures."""

    variables: Variables
    layers: int
    """Number of layers whose statistics were computed."""
    passes: int
    """Number of passes over the pictures."""


def recompute_statistics(
    task: Task, mesh: Mesh, variables: Variables, draw: Callable[[], Iterable[Batch]]
) -> Recomputed:
    """Computes the mean and the variance of the input of every batch normalisation over all pictures.

    Each layer normalises by the statistics of its inputs, which depend on those of the layers before it. A pass over
    the pictures makes one more layer exact along every path, so that there are at most as many passes as layers; it
    stops earlier when the statistics have settled. Layers that predictions do not use keep their statistics.

    Args:
      task: task with the model, which predicts as in evaluation, without dropout.
      mesh: devices that share each batch.
      variables: variables of the model, on the host.
      draw: returns the same batches at each call, as NumPy arrays.

    Raises:
      ValueError: predictions use no batch normalisation.
    """
    look = jax.jit(lambda variables, batch: _moments(task, variables, batch), out_shardings=replicated(mesh))
    passes, layers, change = 0, 1, np.inf
    while passes < layers and change > SETTLED:
        on_devices = jax.device_put(variables, replicated(mesh))
        found = _totals(look(on_devices, put_batch(mesh, batch)) for batch in draw())
        if not found:
            raise ValueError(f"{type(task.model).__name__} has no batch normalisation: there is nothing to adapt")
        variables, change = _replaced(variables, found)
        passes, layers = passes + 1, len(found)
    return Recomputed(variables, layers, passes)


class Total(NamedTuple):
    """Moments of the inputs of a layer over many batches, in float64."""

    pixels: float
    mean: Float[np.ndarray, " C"]
    variance: Float[np.ndarray, " C"]

    def merged(self, other: "Total") -> "Total":
        """Moments over the inputs of both (Chan, Golub and LeVeque 1979)."""
        pixels = self.pixels + other.pixels
        share = other.pixels / max(pixels, 1)
        apart = other.mean - self.mean
        variance = (1 - share) * self.variance + share * other.variance + share * (1 - share) * np.square(apart)
        return Total(pixels, self.mean + share * apart, variance)


def _moments(task: Task, variables: Variables, batch: Batch) -> dict[str, list[Moments]]:
    """Moments of the inputs of every batch normalisation that a prediction uses, at each of its uses."""
    found: dict[str, list[Moments]] = {}

    def listen(call, args, kwargs, context: nn.module.InterceptorContext):
        module = context.module
        if isinstance(module, BatchNorm) and context.method_name == "__call__":
            found.setdefault("/".join(module.path), []).append(input_moments(*args))
        return call(*args, **kwargs)

    with nn.intercept_methods(listen):
        task.predict(variables, batch.images, batch.sizes)
    return found


def _totals(batches: Iterable[dict[str, list[Moments]]]) -> dict[str, Total]:
    """Moments over all batches, by the path of the layer."""
    totals: dict[str, Total] = {}
    for found in batches:
        for path, uses in jax.device_get(found).items():
            for moments in uses:
                one = Total(float(moments.pixels), *(np.asarray(x, np.float64) for x in moments[1:]))
                totals[path] = totals[path].merged(one) if path in totals else one
    return totals


def _replaced(variables: Variables, found: dict[str, Total]) -> tuple[Variables, float]:
    """Variables with new statistics, and the largest change among these (see `SETTLED`)."""
    statistics: dict[tuple[str, ...], Any] = dict(flatten_dict(variables[STATISTICS]))
    changes = []
    for path, total in found.items():
        mean, variance = ((*path.split("/"), name) for name in ("mean", "var"))
        before, deviation = np.sqrt(statistics[variance] + EPSILON), np.sqrt(total.variance + EPSILON)
        changes += [np.abs(total.mean - statistics[mean]) / deviation, np.abs(deviation / before - 1)]
        statistics[mean], statistics[variance] = (x.astype(np.float32) for x in total[1:])
    return {**variables, STATISTICS: unflatten_dict(statistics)}, float(np.max(np.concatenate(changes)))
