"""Brings batches to the devices ahead of the steps that take them."""

import grain.python as grain
from grain.experimental import ThreadPrefetchIterDataset
from jax.sharding import Mesh

from recog.mesh import put_batch

AHEAD = 2
"""Batches that wait on the devices."""


def on_device(mesh: Mesh, batches: grain.IterDataset) -> grain.IterDataset:
    """Each process's parts of batches as global arrays on the mesh's devices, put there by a thread of its own."""
    return ThreadPrefetchIterDataset(batches.map(lambda batch: put_batch(mesh, batch)), prefetch_buffer_size=AHEAD)
