"""The device mesh and where arrays live on it: the same code for one CPU, one GPU, a slice or many hosts."""

import grain.python as grain
import jax
import numpy as np
from grain.experimental import ThreadPrefetchIterDataset
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

from recog.batch import Batch


def make_mesh() -> Mesh:
    """All devices along one axis, ``data``."""
    return jax.make_mesh((jax.device_count(),), ("data",), axis_types=(AxisType.Auto,))


def replicated(mesh: Mesh) -> NamedSharding:
    """A whole copy on every device: parameters, optimizer state, totals."""
    return NamedSharding(mesh, PartitionSpec())


def by_sample(mesh: Mesh) -> NamedSharding:
    """The batch axis split over ``data``."""
    return NamedSharding(mesh, PartitionSpec("data"))


def check_batch_size(devices: int, batch_size: int) -> None:
    """Raises ``ValueError`` unless every device gets the same number of samples."""
    if batch_size % devices:
        raise ValueError(f"batch size {batch_size} is no multiple of the {devices} devices: change data.batch_size")


def on_device(mesh: Mesh, batches: grain.IterDataset) -> grain.IterDataset:
    """Batches put onto the devices two ahead of the step that takes them; the stream's position stays exact."""
    return ThreadPrefetchIterDataset(batches.map(lambda batch: put_batch(mesh, batch)), prefetch_buffer_size=2)


def put_batch(mesh: Mesh, batch: Batch) -> Batch:
    """This process's part of a batch, to its devices, as part of one global array each."""
    sharding = by_sample(mesh)
    return jax.tree.map(lambda x: jax.make_array_from_process_local_data(sharding, np.asarray(x)), batch)
