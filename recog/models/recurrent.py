"""Stacked LSTM or GRU layers, in one or both directions, over sequences of different lengths.

Both directions advance in one scan over time; their input projections are computed for all frames at once before it.
The backward direction starts at each sample's own last frame, so that padding never reaches a reading. Training steps
on NVIDIA devices take cuDNN's LSTM instead of the scan (see `recog.models.cudnn_lstm`).
"""

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.models import cudnn_lstm


@dataclasses.dataclass
class RecurrentConfig:
    """The recurrent part of a reader."""

    layers: int = 2
    """Stacked recurrent layers."""
    units: int = 256
    """Hidden units of each direction."""
    projection: int = 256
    """Width of the linear layer between two recurrent layers; 0 leaves it out."""
    cell: str = "lstm"
    """``lstm`` or ``gru``."""
    directions: int = 2
    """2 reads both ways, 1 from left to right only."""
    implementation: str = "auto"
    """What training steps compute an LSTM by: ``scan``, ``cudnn`` (NVIDIA's own), or ``auto``, which is cudnn where it
    can be had. Parameters are the same; pictures are always read by the scan."""


def lstm_step(
    gates: Float[Array, "... 4*U"], cell: Float[Array, "... U"]
) -> tuple[Float[Array, "... U"], Float[Array, "... U"]]:
    """One LSTM step (Hochreiter and Schmidhuber 1997, with forget gate): the new cell state and hidden state.

    Args:
      gates: input products, recurrent products and bias added up; gates in the order i, f, g, o.
      cell: cell state of the frame before.
    """
    i, f, g, o = jnp.split(gates, 4, axis=-1)
    cell = nn.sigmoid(f) * cell + nn.sigmoid(i) * jnp.tanh(g)
    return cell, nn.sigmoid(o) * jnp.tanh(cell)


def gru_step(
    inputs: Float[Array, "... 3*U"],
    products: Float[Array, "... 3*U"],
    bias: Float[Array, " U"],
    hidden: Float[Array, "... U"],
) -> Float[Array, "... U"]:
    """One GRU step (Cho et al. 2014): the new hidden state.

    The reset gate acts after the recurrent product, as in cuDNN, PyTorch and Keras.

    Args:
      inputs: input products and bias added up; gates in the order r, z, n.
      products: recurrent products, in the same order.
      bias: added to the recurrent products of n, where the reset gate reaches it.
      hidden: hidden state of the frame before.
    """
    (input_r, input_z, input_n), (product_r, product_z, product_n) = (jnp.split(x, 3, -1) for x in (inputs, products))
    reset, update = nn.sigmoid(input_r + product_r), nn.sigmoid(input_z + product_z)
    candidate = jnp.tanh(input_n + reset * (product_n + bias))
    return update * hidden + (1 - update) * candidate


State = tuple[Float[Array, "B U"], ...]
"""What a direction carries from frame to frame, in float32; the last array is the hidden state."""


class _LSTM(NamedTuple):
    """The recurrence of one direction."""

    recurrent: Float[Array, "U 4*U"]

    def start(self, zero: Float[Array, "B U"]) -> State:
        return zero, zero

    def step(self, inputs: Float[Array, "B 4*U"], state: State) -> State:
        cell, hidden = state
        return lstm_step(inputs + hidden.astype(self.recurrent.dtype) @ self.recurrent, cell)


class _GRU(NamedTuple):
    """The recurrence of one direction."""

    recurrent: Float[Array, "U 3*U"]
    bias: Float[Array, " U"]

    def start(self, zero: Float[Array, "B U"]) -> State:
        return (zero,)

    def step(self, inputs: Float[Array, "B 3*U"], state: State) -> State:
        (hidden,) = state
        return (gru_step(inputs, hidden.astype(self.recurrent.dtype) @ self.recurrent, self.bias, hidden),)


def _scan(
    directions: Sequence[_LSTM | _GRU], inputs: Sequence[Float[Array, "T B G*U"]], live: Bool[Array, "T B"]
) -> Float[Array, "T B directions*U"]:
    """Runs the recurrences in one loop, the second from the last frame to the first.

    Args:
      directions: the forward recurrence, and the backward one if there is one.
      inputs: input products of each, bias included, in the order of time.
      live: which frames are no padding.
    """
    batch, units = live.shape[1], directions[0].recurrent.shape[0]
    zero = jnp.zeros((batch, units), jnp.float32)

    def step(states, frame):
        inputs, live = frame
        states = [way.step(x, state) for way, x, state in zip(directions, inputs, states, strict=True)]
        # Until its own last frame comes, a sample's backward state stays at zero.
        states[1:] = [tuple(jnp.where(live[:, None], x, 0.0) for x in state) for state in states[1:]]
        return states, [state[-1] for state in states]

    inputs = [x[::-1] if backward else x for backward, x in enumerate(inputs)]
    _, hidden = jax.lax.scan(step, [way.start(zero) for way in directions], (inputs, live[::-1]))
    return jnp.concatenate([x[::-1] if backward else x for backward, x in enumerate(hidden)], axis=-1)


class RecurrentLayer(nn.Module):
    """One recurrent layer.

    Its parameters are ``kernel`` (directions, D, G U), ``recurrent`` (directions, U, G U) and ``bias`` (directions,
    G U): for LSTM G is 4, gates i, f, g, o; for GRU 3, gates r, z, n, and there is ``recurrent_bias`` (directions, U)
    of n.

    Example::

      layer = RecurrentLayer(units=256, cell="gru")
      variables = layer.init(key, features, lengths, train=False)  # features: B T D, lengths: B
      hidden = layer.apply(variables, features, lengths, train=True)  # B T 2U
    """

    units: int
    cell: str = "lstm"
    directions: int = 2
    implementation: str = "auto"
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B T directions*U"]:
        """Hidden states of the directions side by side; frames beyond a length hold no information.

        Args:
          features: of every frame.
          lengths: 0 for rows without a sample.
          train: whether ``implementation`` is heeded; otherwise it is the scan, which runs on any device.

        Raises:
          ValueError: ``cell``, ``directions`` or ``implementation`` is none of the choices, or cuDNN is asked for where
            it cannot be had.
        """
        if self.cell not in ("lstm", "gru"):
            raise ValueError(f"model.recurrent.cell={self.cell!r}: choose lstm or gru")
        if self.directions not in (1, 2):
            raise ValueError(f"model.recurrent.directions={self.directions}: choose 1 or 2")
        ways, units, width = self.directions, self.units, self.units * (4 if self.cell == "lstm" else 3)
        glorot = nn.initializers.glorot_uniform(batch_axis=0)
        kernel = self.param("kernel", glorot, (ways, features.shape[-1], width))
        recurrent = self.param("recurrent", _orthogonal_gates, (ways, units, width))
        bias = self.param("bias", _forget_open if self.cell == "lstm" else nn.initializers.zeros, (ways, width))
        if self._uses_cudnn(train):
            return cudnn_lstm.lstm(kernel, recurrent, bias, features, lengths)
        kernel, recurrent, features = (x.astype(self.dtype) for x in (kernel, recurrent, features))
        if self.cell == "lstm":
            directions = [_LSTM(recurrent[way]) for way in range(ways)]
        else:
            recurrent_bias = self.param("recurrent_bias", nn.initializers.zeros, (ways, units))
            directions = [_GRU(recurrent[way], recurrent_bias[way]) for way in range(ways)]
        time_major = features.transpose(1, 0, 2)  # T B D
        inputs = [time_major @ kernel[way] + bias[way] for way in range(ways)]
        live = jnp.arange(features.shape[1])[:, None] < lengths
        return _scan(directions, inputs, live).transpose(1, 0, 2)

    def _uses_cudnn(self, train: bool) -> bool:
        asked = f"model.recurrent.implementation={self.implementation!r}"
        match self.implementation:
            case "scan":
                return False
            case "auto":
                return train and self.cell == "lstm" and cudnn_lstm.advisable()
            case "cudnn" if self.cell != "lstm":
                raise ValueError(f"{asked} has no model.recurrent.cell={self.cell!r}: choose lstm, or auto or scan")
            case "cudnn" if train and not cudnn_lstm.available():
                raise ValueError(
                    f"{asked} needs an NVIDIA device, here is {jax.default_backend()}: choose auto or scan"
                )
            case "cudnn":
                return train
            case _:
                raise ValueError(f"{asked}: choose auto, scan or cudnn")


def _orthogonal_gates(key: Array, shape: tuple[int, int, int]) -> Float[Array, "directions U G*U"]:
    ways, units, width = shape
    gates = width // units
    # One after the other: two batched QR decompositions in one program wait for each other's threads on small CPUs.
    blocks = jax.lax.map(lambda k: nn.initializers.orthogonal()(k, (units, units)), jax.random.split(key, ways * gates))
    return blocks.reshape(ways, gates, units, units).transpose(0, 2, 1, 3).reshape(shape)


def _forget_open(key: Array, shape: tuple[int, int]) -> Float[Array, "directions 4*U"]:
    """Zero, but one for the forget gates (Jozefowicz et al. 2015)."""
    del key
    units = shape[1] // 4
    return jnp.zeros(shape).at[:, units : 2 * units].set(1.0)


class RecurrentStack(nn.Module):
    """`RecurrentConfig` as a module: ``layer1``, ``projection1``, ``layer2`` and so on."""

    config: RecurrentConfig
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B T directions*U"]:
        """Hidden states of the last layer; the arguments are those of `RecurrentLayer`.

        Raises:
          ValueError: a value of the configuration is out of its range.
        """
        config = self.config
        if config.layers < 1:
            raise ValueError(f"model.recurrent.layers={config.layers}: choose 1 or more")
        if config.units < 1:
            raise ValueError(f"model.recurrent.units={config.units}: choose 1 or more")
        if config.projection < 0:
            raise ValueError(f"model.recurrent.projection={config.projection}: choose 1 or more, or 0 for none")
        for layer in range(1, config.layers + 1):
            recur = RecurrentLayer(
                config.units, config.cell, config.directions, config.implementation, self.dtype, name=f"layer{layer}"
            )
            features = recur(features, lengths, train=train)
            if layer < config.layers and config.projection:
                features = nn.Dense(config.projection, dtype=self.dtype, name=f"projection{layer}")(features)
        return features
