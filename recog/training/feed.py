"""Transfers batches to the devices ahead of the steps that use them."""

import grain.python as grain
from grain.experimental import ThreadPrefetchIterDataset
from jax.sharding import Mesh

from recog.mesh import put_batch

AHEAD = 2
"""Number of batches kept waiting on the devices."""


def on_device(mesh: Mesh, batches: grain.IterDataset) -> grain.IterDataset:
    """Batches as global arrays on the mesh's devices, transferred by a separate thread from each process's parts."""
    return ThreadPrefetchIterDataset(batches.map(lambda batch: put_batch(mesh, batch)), prefetch_buffer_size=AHEAD)
