"""CTC lattice as GPU kernels (Pallas, through Triton): one program for each sample.

A scan launches several kernels for every frame, each waiting for the previous one. Here a program loops over all frames
of its sample: a state of the lattice is an element of a vector that stays in registers from frame to frame. Only
transitions to a neighbouring state go through memory, behind a barrier, because Triton cannot shift a vector.

The recursions are those of `recog.ctc.lattice`, with equal results up to rounding.
"""

import functools
import re
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_batching import custom_vmap
from jax.experimental import pallas as pl
from jax.experimental.custom_partitioning import custom_partitioning
from jax.experimental.pallas import triton as plgpu
from jaxtyping import Array, Float, Int

from recog.ctc.lattice import Lattice, Posterior
from recog.ctc.log_space import LOG_ZERO

LONGEST = 1023
"""Maximum label slots, so that a row of states, blank included, fits into one vector of 1024 elements."""

KNOWN = re.compile(r"\b(A10|A30|A100|G?H100|G?H200|G?B200|G?B300|GB10|L4|L40|T4|RTX 4090)\b")
"""Device kinds that Pallas compiles for in JAX 0.10; it raises an error for others."""


def available() -> bool:
    """Whether JAX runs on a GPU that Pallas supports."""
    return bool(KNOWN.search(jax.devices()[0].device_kind))


def fits(lattice: Lattice) -> bool:
    """Whether the kernel handles this lattice: not empty, at most `LONGEST` slots, not on an unsupported GPU.

    Lattices of symbolic sizes, in exported programs, are not handled.
    """
    if not all(isinstance(size, int) for size in lattice.token.shape):
        return False
    unsupported = jax.default_backend() == "gpu" and not available()
    return lattice.token.size > 0 and lattice.token.shape[2] <= LONGEST and not unsupported


def log_likelihood(lattice: Lattice, *, interpret: bool = False) -> Float[Array, " B"]:
    """Log likelihood of each label; ``interpret`` runs on any device, slowly."""
    return _split_by_sample(lambda cells: _log_likelihood(cells, interpret), "b")(lattice)


def posterior(lattice: Lattice, *, interpret: bool = False) -> Posterior:
    """Log likelihood and token occupancies of each label; ``interpret`` runs on any device, slowly."""
    return _split_by_sample(lambda cells: _posterior(cells, interpret), "b, b t l")(lattice)


def _log_likelihood(lattice: Lattice, interpret: bool) -> Float[Array, " B"]:
    _, ends = _filter(lattice, interpret)
    return _log_add(ends[:, 0], ends[:, 1])


def _posterior(lattice: Lattice, interpret: bool) -> Posterior:
    lanes, ends = _filter(lattice, interpret)
    occupancy = _smooth(lattice, lanes, jax.nn.sigmoid(ends[:, 0] - ends[:, 1]), interpret)
    return Posterior(_log_add(ends[:, 0], ends[:, 1]), occupancy[:, :, : lattice.can_skip.shape[1]])


def _split_by_sample(function: Callable[[Lattice], Any], results: str) -> Callable[[Lattice], Any]:
    """Runs a function on each device's own samples, and merges the batches of `jax.vmap` into one.

    A compiler that partitions a program over devices cannot look into a kernel: every device would compute all samples.

    Args:
      function: maps a lattice to arrays.
      results: axes of these arrays, in the notation of sharding rules.
    """
    partitioned = custom_partitioning(function)

    def partition(mesh, arguments, shapes):
        inside, outside = (jax.tree.map(lambda x: x.sharding, tree) for tree in (arguments, shapes))
        return mesh, function, outside, inside

    rule = f"b t l, b t, b, b l, b -> {results}"
    partitioned.def_partition(partition, sharding_rule=rule, need_replication_factors=("t", "l"))
    mapped = custom_vmap(partitioned)

    @mapped.def_vmap
    def _(count, is_mapped, lattice):
        every = jax.tree.map(lambda x, has: x if has else jnp.broadcast_to(x, (count, *x.shape)), lattice, *is_mapped)
        merged = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), every)
        found = jax.tree.map(lambda x: x.reshape(count, -1, *x.shape[1:]), mapped(merged))
        return found, jax.tree.map(lambda _: True, found)

    return mapped


def _log_add(a, b):
    # Keeps NaN: on GPUs the maximum of NaN and a number is the number, but their difference is NaN.
    return jnp.maximum(a, b) + jnp.log(1 + jnp.exp(-jnp.abs(a - b)))


def _log_add3(a, b, c):
    top = jnp.maximum(jnp.maximum(a, b), c)
    return top + jnp.log(jnp.exp(a - top) + jnp.exp(b - top) + jnp.exp(c - top))


def _width(slots: int) -> int:
    """Elements of a row: the power of two that holds ``slots`` label states and one blank state more."""
    return pl.next_power_of_2(slots + 1)


def _rows(x: Array, width: int) -> Array:
    return jnp.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, width - x.shape[-1])])


def _call(kernel, outputs, arguments, interpret: bool):
    """Runs a kernel for each sample, on that sample's blocks of arguments and outputs."""
    batch = arguments[0].shape[0]

    def of_sample(x) -> pl.BlockSpec:
        return pl.BlockSpec((None, *x.shape[1:]), lambda b: (b, *[0] * (len(x.shape) - 1)))

    width = arguments[-1].shape[-1]
    return pl.pallas_call(
        functools.partial(kernel, barrier=(lambda: None) if interpret else plgpu.debug_barrier),
        grid=(batch,),
        in_specs=[of_sample(x) for x in arguments],
        out_specs=[of_sample(x) for x in outputs],
        out_shape=outputs,
        compiler_params=plgpu.CompilerParams(num_warps=max(1, min(8, width // 32))),
        interpret=interpret,
        name=kernel.__name__.strip("_"),
    )(*arguments)


def _neighbours(ref, row: Int[Array, ""], neighbour: Int[Array, " S"], outside: float) -> Float[Array, " S"]:
    """Loads the value of each state's neighbour from a row; ``outside`` where there is no neighbour."""
    inside = (neighbour >= 0) & (neighbour < neighbour.shape[0])
    return plgpu.load(ref.at[row, jnp.where(inside, neighbour, 0)], mask=inside, other=outside)


def _filter(lattice: Lattice, interpret: bool):
    """Forward variables of both lanes before each frame, and those of the two final states."""
    batch, frames, slots = lattice.token.shape
    width = _width(slots)
    rows = jax.ShapeDtypeStruct((batch, frames + 1, width), jnp.float32)
    ends = jax.ShapeDtypeStruct((batch, 2), jnp.float32)
    scalars = jnp.stack([lattice.logit_lengths, lattice.label_lengths], axis=1).astype(jnp.int32)
    arguments = scalars, lattice.blank, _rows(lattice.token, width), _rows(lattice.can_skip.astype(jnp.int32), width)
    label, blank, ends = _call(_filter_kernel, [rows, rows, ends], arguments, interpret)
    return (label, blank), ends


def _filter_kernel(scalars_ref, blank_ref, token_ref, skip_ref, label_out, blank_out, ends_out, *, barrier):
    slot = jnp.arange(skip_ref.shape[0])
    can_skip = skip_ref[...] > 0
    frames, last = scalars_ref[0], scalars_ref[1]

    def step(frame, lanes):
        label, blank = lanes
        label_out[frame, :], blank_out[frame, :] = label, blank
        barrier()
        previous = _neighbours(label_out, frame, slot - 1, LOG_ZERO)
        skipped = jnp.where(can_skip, previous, LOG_ZERO)
        return (
            _log_add3(label, blank, skipped) + token_ref[frame, :],
            _log_add(blank, previous) + blank_ref[frame],
        )

    start = jnp.full(slot.shape, LOG_ZERO, jnp.float32), jnp.where(slot == 0, 0.0, LOG_ZERO).astype(jnp.float32)
    label, blank = jax.lax.fori_loop(0, frames, step, start)
    end_label = jnp.sum(jnp.where(slot == last - 1, label, 0.0))
    ends_out[0] = jnp.where(last > 0, end_label, LOG_ZERO)
    ends_out[1] = jnp.sum(jnp.where(slot == last, blank, 0.0))


def _smooth(lattice: Lattice, lanes, ends_in_label: Float[Array, " B"], interpret: bool) -> Float[Array, "B T S"]:
    """Occupancies of the label lane; ``ends_in_label`` is the probability that the path ends in the last token."""
    batch, frames, slots = lattice.token.shape
    width = _width(slots)
    occupancy = jax.ShapeDtypeStruct((batch, frames, width), jnp.float32)
    moved = jax.ShapeDtypeStruct((batch, 2, width), jnp.float32)
    scalars = jnp.stack([lattice.logit_lengths, lattice.label_lengths], axis=1).astype(jnp.int32)
    arguments = scalars, ends_in_label[:, None], *lanes, _rows(lattice.can_skip.astype(jnp.int32), width)
    return _call(_smooth_kernel, [occupancy, moved], arguments, interpret)[0]


def _smooth_kernel(scalars_ref, ends_ref, label_ref, blank_ref, skip_ref, out_ref, moved_ref, *, barrier):
    slot = jnp.arange(skip_ref.shape[0])
    can_skip = skip_ref[...] > 0
    frames, last, ends_in_label = scalars_ref[0], scalars_ref[1], ends_ref[0]

    def step(number, occupancy):
        frame = frames - 1 - number
        to_label, to_blank = occupancy
        out_ref[frame, :] = to_label
        label, blank = label_ref[frame, :], blank_ref[frame, :]
        previous = _neighbours(label_ref, frame, slot - 1, LOG_ZERO)
        skipped = jnp.where(can_skip, previous, LOG_ZERO)
        top = jnp.maximum(jnp.maximum(label, blank), skipped)
        stays, starts, skips = jnp.exp(label - top), jnp.exp(blank - top), jnp.exp(skipped - top)
        share = to_label / (stays + starts + skips)
        ends = to_blank * jax.nn.sigmoid(previous - blank)
        # Two alternating rows: some threads may be a frame ahead of others that still read.
        moved_ref[number & 1, :] = ends + share * skips
        barrier()
        from_next = _neighbours(moved_ref, number & 1, slot + 1, 0.0)
        return share * stays + from_next, to_blank - ends + share * starts

    start = jnp.where(slot == last - 1, ends_in_label, 0.0), jnp.where(slot == last, 1.0 - ends_in_label, 0.0)
    jax.lax.fori_loop(0, frames, step, start)
