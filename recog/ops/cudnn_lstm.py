"""cuDNN's LSTM (through `jax.experimental.rnn`) with the parameters of a recurrent layer.

It computes the same as `recog.ops.recurrent_scan`, but all frames in one call instead of a loop of small products. JAX
traces that call only on a machine with an NVIDIA device, and compilers can neither split it among devices nor lower it
for other platforms: it serves training steps. Inference, and so every export, uses the scan.
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
    """Whether cuDNN is available on a single device, or inside a mesh that splits the batch (`recog.mesh.traced_on`).

    Without a mesh, each of several devices would compute the whole batch.
    """
    return available() and (jax.device_count() == 1 or not jax.sharding.get_abstract_mesh().empty)


def lstm(
    kernel: Float[Array, "directions D 4*U"],
    recurrent: Float[Array, "directions U 4*U"],
    bias: Float[Array, "directions 4*U"],
    features: Float[Array, "B T D"],
    lengths: Int[Array, " B"],
) -> Float[Array, "B T directions*U"]:
    """Hidden states, directions concatenated; zero beyond a sample's length.

    JAX passes only float32 to cuDNN: features of another type are converted, and bfloat16 saves nothing here. Factors
    of products are rounded to TF32, as in JAX's own products on these devices, unless
    ``jax.default_matmul_precision`` is ``highest`` or ``float32``.

    Inside a mesh each device computes its rows of the batch, which must divide evenly.

    Args:
      kernel: weights of the inputs; gates in the order i, f, g, o.
      recurrent: weights of the previous hidden state.
      bias: one bias for the sum of both products.
      features: values beyond a length are ignored and get no gradient.
      lengths: frames of each sample; 0 for rows without a sample.
    """
    mesh = jax.sharding.get_abstract_mesh()
    if mesh.size < 2:  # 0 outside a mesh
        return _on_one_device(kernel, recurrent, bias, features, lengths)
    whole, rows = PartitionSpec(), PartitionSpec(mesh.axis_names)
    split = jax.shard_map(
        _on_one_device,
        mesh=mesh,
        in_specs=(whole, whole, whole, rows, rows),
        out_specs=rows,
        check_vma=False,  # cuDNN's primitives have no rule for it
    )
    return split(kernel, recurrent, bias, features, lengths)


def _on_one_device(kernel, recurrent, bias, features, lengths):
    (batch, frames, depth), (directions, units, _) = features.shape, recurrent.shape
    # Inputs and outputs are masked: cuDNN may leave anything in the padding of results and gradients.
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
        jax.lax.Precision.HIGHEST if exact else jax.lax.Precision.HIGH,  # cuDNN refuses lower ones
    )
    hidden, _, _ = states  # all hidden states, the last one, the last cell state
    return jnp.where(live, hidden, 0.0)


def pack(
    kernel: Float[Array, "directions D 4*U"],
    recurrent: Float[Array, "directions U 4*U"],
    bias: Float[Array, "directions 4*U"],
) -> Float[Array, " N"]:
    """Packs the parameters of one layer into cuDNN's flat vector.

    First come the transposed matrices of each direction, then two biases for each direction, one for each product: the
    first is ``bias``, the second zero. The order of the gates is the same.
    """
    matrices = [weights[i].T.ravel() for i in range(len(bias)) for weights in (kernel, recurrent)]
    biases = jnp.stack([bias, jnp.zeros_like(bias)], axis=1)  # directions 2 4U
    return jnp.concatenate([*matrices, biases.ravel()])
