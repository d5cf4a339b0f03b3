"""NVIDIA's own LSTM (cuDNN, through `jax.experimental.rnn`) over the parameters of a recurrent layer.

It computes what the scan of `recog.ops.recurrent` does, but all frames in one call instead of a loop of small
products. JAX traces that call only where an NVIDIA device is, and compilers can neither split it among devices nor
lower it for others: it is for training steps. What reads, and so what is exported, is the scan.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import rnn
from jax.extend.backend import get_backend
from jax.sharding import PartitionSpec
from jaxtyping import Array, Float, Int


def available() -> bool:
    """Whether JAX computes on NVIDIA devices."""
    return "cuda" in get_backend().platform_version


def advisable() -> bool:
    """Whether it is available, and it is known how a batch is split: over a mesh (see `recog.mesh.traced_on`), or not.

    Otherwise every one of several devices would compute the whole batch.
    """
    return available() and (jax.device_count() == 1 or not jax.sharding.get_abstract_mesh().empty)


def lstm(
    kernel: Float[Array, "directions D 4*U"],
    recurrent: Float[Array, "directions U 4*U"],
    bias: Float[Array, "directions 4*U"],
    features: Float[Array, "B T D"],
    lengths: Int[Array, " B"],
) -> Float[Array, "B T directions*U"]:
    """Hidden states of the directions side by side, zero beyond a sample's length.

    JAX hands cuDNN float32 only: features of another type are converted, and bfloat16 saves nothing here. Factors of
    products are rounded to TF32, as JAX's own are on these devices, unless ``jax.default_matmul_precision`` is
    ``highest`` or ``float32``.

    Traced inside a mesh, each device computes its rows of the batch, which must divide evenly.

    Args:
      kernel: of the inputs; gates in the order i, f, g, o.
      recurrent: of the hidden state of the frame before.
      bias: of both together.
      features: whatever stands beyond a length changes nothing, and gets no gradient.
      lengths: 0 for rows without a sample.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.size < 2:  # 0 outside of any
        return _on_one_device(kernel, recurrent, bias, features, lengths)
    whole, rows = PartitionSpec(), PartitionSpec(mesh.axis_names)
    split = jax.shard_map(
        _on_one_device,
        mesh=mesh,
        in_specs=(whole, whole, whole, rows, rows),
        out_specs=rows,
        check_vma=False,  # the call's primitives have no rule for it
    )
    return split(kernel, recurrent, bias, features, lengths)


def _on_one_device(kernel, recurrent, bias, features, lengths):
    (batch, frames, depth), (directions, units, _) = features.shape, recurrent.shape
    # Masked on both sides: nothing that cuDNN leaves in the padding of a result or of a gradient gets out.
    live = (jnp.arange(frames) < lengths[:, None])[..., None]
    zero = jnp.zeros((directions, batch, units), jnp.float32)
    exact = jax.config.values["jax_default_matmul_precision"] in ("highest", "float32")
    states: Any = rnn.lstm(
        jnp.where(live, features.astype(jnp.float32), 0.0),
        zero,
        zero,
        pack(kernel, recurrent, bias),
        jnp.clip(lengths, 1, frames).astype(jnp.int32),  # cuDNN fails on empty sequences
        depth,
        units,
        1,  # layers
        0.0,  # dropout
        directions == 2,
        jax.lax.Precision.HIGHEST if exact else jax.lax.Precision.HIGH,  # it refuses what is lower
    )
    hidden, _, _ = states  # of every frame, and the last ones
    return jnp.where(live, hidden, 0.0)


def pack(
    kernel: Float[Array, "directions D 4*U"],
    recurrent: Float[Array, "directions U 4*U"],
    bias: Float[Array, "directions 4*U"],
) -> Float[Array, " N"]:
    """The parameters of one layer as cuDNN's flat vector.

    First the transposed matrices of each direction in turn, then its two biases, one added to each product: ours takes
    the first place, the second is zero. Gates have the same order there.
    """
    matrices = [weights[way].T.ravel() for way in range(len(bias)) for weights in (kernel, recurrent)]
    biases = jnp.stack([bias, jnp.zeros_like(bias)], axis=1)  # directions 2 4U
    return jnp.concatenate([*matrices, biases.ravel()])
