"""Device mesh and shardings of arrays, for one CPU, one GPU, a TPU slice or many hosts."""

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
from jax.sharding import AbstractMesh, AxisType, Mesh, NamedSharding, PartitionSpec

from recog.batch import Batch

SMALL = 2**14
"""Minimum number of elements of an array to split; smaller ones are replicated."""


@dataclasses.dataclass
class MeshConfig:
    """Distribution of training over the devices of all processes; each device gets an equal share of each batch."""

    fsdp: int = 1
    """Number of devices over which each copy of parameters and optimizer state is split (fully sharded data
    parallelism); 1 replicates them on every device."""


def make_mesh(config: MeshConfig | None = None, devices: Sequence[Any] | None = None) -> Mesh:
    """Mesh of devices, by default all of all processes, with the axes ``data`` and ``fsdp``.

    Raises:
      ValueError: ``config.fsdp`` does not divide the number of devices.
    """
    count, group = len(devices or jax.devices()), (config or MeshConfig()).fsdp
    if group < 1 or count % group:
        raise ValueError(f"mesh.fsdp={group} does not divide the {count} devices: choose a divisor, or 1")
    kinds = (AxisType.Auto, AxisType.Auto)
    return jax.make_mesh((count // group, group), ("data", "fsdp"), axis_types=kinds, devices=devices)


def replicated(mesh: Mesh) -> NamedSharding:
    """Sharding with a whole copy on every device."""
    return NamedSharding(mesh, PartitionSpec())


def by_sample(mesh: Mesh) -> NamedSharding:
    """Sharding with the batch axis split over all devices."""
    return NamedSharding(mesh, PartitionSpec(("data", "fsdp")))


def by_parameter(mesh: Mesh, shapes: Any) -> Any:
    """Shardings of parameters and optimizer state: the longest divisible axis is split over ``fsdp``.

    Args:
      mesh: mesh from `make_mesh`.
      shapes: a pytree of arrays or of their shapes.

    Returns:
      A pytree of shardings with the structure of ``shapes``.
    """
    return jax.tree.map(lambda array: NamedSharding(mesh, _split(array.shape, mesh.shape["fsdp"])), shapes)


def _split(shape: tuple[int, ...], parts: int) -> PartitionSpec:
    divisible = [axis for axis, size in enumerate(shape) if size % parts == 0]
    if parts == 1 or math.prod(shape) < SMALL or not divisible:
        return PartitionSpec()
    axis = max(divisible, key=lambda axis: (shape[axis], axis))
    return PartitionSpec(*[None] * axis, "fsdp")


def traced_on(mesh: Mesh, function: Callable) -> Callable:
    """Traces a function with the mesh as context, for operations that the compiler cannot partition by itself."""

    @functools.wraps(function)
    def traced(*args):
        with jax.sharding.use_abstract_mesh(mesh.abstract_mesh):
            return function(*args)

    return traced


def check_batch_size(batch_size: int, devices: int, parts: int = 1) -> None:
    """Raises ``ValueError`` unless each of the ``parts`` of a batch divides equally among the devices."""
    if parts < 1:
        raise ValueError(f"optimizer.accumulation_steps={parts}: choose 1 or more parts of a batch")
    if batch_size % (devices * parts):
        asked = f"{devices} devices" + (f" times {parts} parts (optimizer.accumulation_steps)" if parts > 1 else "")
        raise ValueError(f"batch size {batch_size} is not a multiple of {asked}: change data.batch_size")


def rows_for(mesh: Mesh | AbstractMesh, rows: int) -> int:
    """Minimum number of rows of a batch, at least ``rows``, that divides equally among the devices."""
    return -(-rows // mesh.size) * mesh.size


def put_batch(mesh: Mesh, batch: Batch) -> Batch:
    """Transfers this process's part of a batch to its devices, as a part of global arrays."""
    sharding = by_sample(mesh)
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), batch)
