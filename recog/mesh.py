"""The device mesh and where arrays live on it: the same code for one CPU, one GPU, a slice or many hosts."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from recog.batch import Batch

SMALL = 2**14
"""Elements below which an array is not worth splitting: each device keeps a copy."""


@dataclasses.dataclass
class MeshConfig:
    """How the devices of all processes work together. Every device takes an equal share of each batch."""

    fsdp: int = 1
    """Devices that hold one copy of parameters and optimizer state between them, a part each (fully sharded data
    parallelism); 1 gives every device a whole copy."""


def make_mesh(config: MeshConfig | None = None, devices: Sequence[Any] | None = None) -> Mesh:
    """Devices, by default all of all processes, along the axes ``data`` and ``fsdp``.

    Raises:
      ValueError: the devices do not divide into groups of ``config.fsdp``.
    """
    count, group = len(devices or jax.devices()), (config or MeshConfig()).fsdp
    if group < 1 or count % group:
        raise ValueError(f"mesh.fsdp={group} does not divide the {count} devices: choose a divisor, or 1")
    kinds = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((count // group, group), ("data", "fsdp"), axis_types=kinds, devices=devices)


def replicated(mesh: Mesh) -> NamedSharding:
    """A whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def by_sample(mesh: Mesh) -> NamedSharding:
    """The batch axis split over all devices."""
    return NamedSharding(mesh, PartitionSpec(("data", "fsdp")))


def by_parameter(mesh: Mesh, shapes: Any) -> Any:
    """Where parameters and optimizer state live: the longest axis that divides is split over ``fsdp``.

    Args:
      mesh: of `make_mesh`.
      shapes: a pytree of arrays or of their shapes.

    Returns:
      The same tree of shardings.
    """
    return jax.tree.map(lambda array: NamedSharding(mesh, _split(array.shape, mesh.shape["fsdp"])), shapes)


def _split(shape: tuple[int, ...], parts: int) -> PartitionSpec:
    divisible = [axis for axis, size in enumerate(shape) if size % parts == 0]
    if parts == 1 or math.prod(shape) < SMALL or not divisible:
        return PartitionSpec()
    axis = max(divisible, key=lambda axis: (shape[axis], axis))
    return PartitionSpec(*[None] * axis, "fsdp")


def traced_on(mesh: Mesh, function: Callable) -> Callable:
    """The function, to be jitted; what the compiler cannot split by itself finds there which devices share a batch."""

    @functools.wraps(function)
    def traced(*args):
        with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
            return function(*args)

    return traced


def check_batch_size(batch_size: int, devices: int, parts: int = 1) -> None:
    """Raises ``ValueError`` unless every device gets the same number of samples of each of a batch's ``parts``."""
    if parts < 1:
        raise ValueError(f"optimizer.accumulation_steps={parts}: choose 1 or more parts of a batch")
    if batch_size % (devices * parts):
        asked = f"{devices} devices" + (f" times {parts} parts (optimizer.accumulation_steps)" if parts > 1 else "")
        raise ValueError(f"batch size {batch_size} is no multiple of the {asked}: change data.batch_size")


def put_batch(mesh: Mesh, batch: Batch) -> Batch:
    """This process's part of a batch, to its devices, as part of one global array each."""
    sharding = by_sample(mesh)
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), batch)
