"""Stacked bidirectional LSTM over sequences of different lengths.

Both directions advance in one scan over time; their input projections are computed for all frames at once before it.
The backward direction starts at each sample's own last frame, so that padding never reaches a reading.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


@dataclasses.dataclass
class RecurrentConfig:
    """The recurrent part of a reader."""

    layers: int = 2
    """Stacked bidirectional layers."""
    units: int = 256
    """Hidden units of each direction."""
    projection: int = 256
    """Width of the linear layer between two recurrent layers; 0 leaves it out."""


def _cell(gates: Float[Array, "... 4U"], cell: Float[Array, "... U"]):
    """One LSTM step (Hochreiter and Schmidhuber 1997, with forget gate); gates in the order i, f, g, o."""
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(g)
    return cell, nn.sigmoid(o) * jnp.tanh(cell)


def scan_both_ways(
    forward: Float[Array, "T B 4U"],
    backward: Float[Array, "T B 4U"],
    recurrent: Float[Array, "2 U 4U"],
    live: Bool[Array, "T B"],
) -> Float[Array, "T B 2U"]:
    """Runs the recurrence of both directions.

    Args:
      forward: projected inputs of the forward direction, bias included.
      backward: those of the backward direction, in the same order of time.
      recurrent: recurrent kernels, forward direction first.
      live: which frames are no padding.
    """
    batch, units = forward.shape[1], recurrent.shape[1]
    zero = jnp.zeros((batch, units), jnp.float32)

    def step(carry, inputs):
        (cell_f, hidden_f), (cell_b, hidden_b) = carry
        gates_f, gates_b, live_b = inputs
        cell_f, hidden_f = _cell(gates_f + hidden_f.astype(recurrent.dtype) @ recurrent[0], cell_f)
        cell_b, hidden_b = _cell(gates_b + hidden_b.astype(recurrent.dtype) @ recurrent[1], cell_b)
        # Until its own last frame comes, a sample's backward state stays at zero.
        cell_b, hidden_b = (jnp.where(live_b[:, None], x, 0.0) for x in (cell_b, hidden_b))
        return ((cell_f, hidden_f), (cell_b, hidden_b)), (hidden_f, hidden_b)

    start = ((zero, zero), (zero, zero))
    _, (hidden_f, hidden_b) = jax.lax.scan(step, start, (forward, backward[::-1], live[::-1]))
    return jnp.concatenate([hidden_f, hidden_b[::-1]], axis=-1)


class BidirectionalLSTM(nn.Module):
    """One bidirectional layer.

    Example::

      layer = BidirectionalLSTM(units=256)
      variables = layer.init(key, features, lengths)  # features: B T D, lengths: B
      hidden = layer.apply(variables, features, lengths)  # B T 2U
    """

    units: int
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, features: Float[Array, "B T D"], lengths: Int[Array, " B"]) -> Float[Array, "B T 2U"]:
        """Hidden states of both directions side by side; frames beyond a length hold no information."""
        units = self.units
        depth = features.shape[-1]
        kernel = self.param("kernel", nn.initializers.glorot_uniform(batch_axis=0), (2, depth, 4 * units))
        recurrent = self.param("recurrent", _orthogonal_gates, (2, units, 4 * units))
        bias = self.param("bias", _forget_open, (2, 4 * units))
        kernel, recurrent, features = (x.astype(self.dtype) for x in (kernel, recurrent, features))
        time_major = features.transpose(1, 0, 2)  # T B D
        forward, backward = (time_major @ kernel[way] + bias[way] for way in (0, 1))
        live = jnp.arange(features.shape[1])[:, None] < lengths
        return scan_both_ways(forward, backward, recurrent, live).transpose(1, 0, 2)


def _orthogonal_gates(key: Array, shape: tuple[int, int, int]) -> Float[Array, "2 U 4U"]:
    ways, units, _ = shape
    # One after the other: two batched QR decompositions in one program wait for each other's threads on small CPUs.
    gates = jax.lax.map(lambda k: nn.initializers.orthogonal()(k, (units, units)), jax.random.split(key, ways * 4))
    return gates.reshape(ways, 4, units, units).transpose(0, 2, 1, 3).reshape(shape)


def _forget_open(key: Array, shape: tuple[int, int]) -> Float[Array, "2 4U"]:
    """Zero, but one for the forget gates (Jozefowicz et al. 2015)."""
    del key
    units = shape[1] // 4
    return jnp.zeros(shape).at[:, units : 2 * units].set(1.0)


class RecurrentStack(nn.Module):
    """`RecurrentConfig` as a module: layers with linear projections between them."""

    config: RecurrentConfig
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(self, features: Float[Array, "B T D"], lengths: Int[Array, " B"]) -> Float[Array, "B T 2U"]:
        for layer in range(self.config.layers):
            if layer and self.config.projection:
                features = nn.Dense(self.config.projection, dtype=self.dtype, name=f"projection{layer}")(features)
            features = BidirectionalLSTM(self.config.units, self.dtype, name=f"blstm{layer + 1}")(features, lengths)
        return features
