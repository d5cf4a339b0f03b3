"""Stacked LSTM or GRU layers, in one or both directions, over sequences of different lengths.

Both directions advance in one scan over time (`recog.ops.recurrent_scan`), after the input projections of all frames.
The backward direction starts at each sample's own last frame, so that padding never affects a prediction. Training
steps on NVIDIA devices use cuDNN's LSTM instead of the scan (`recog.ops.cudnn_lstm`).
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Shaped

from recog.ops import cudnn_lstm
from recog.ops.recurrent_scan import CELLS, recur


@dataclasses.dataclass
class RecurrentConfig:
    """Settings of a reader's recurrent layers."""

    layers: int = 2
    """Number of stacked recurrent layers."""
    units: int = 256
    """Hidden units of each direction."""
    projection: int = 256
    """Units of the linear layer between two recurrent layers; 0 leaves it out."""
    cell: str = "lstm"
    """Kind of cell: ``lstm`` or ``gru``."""
    directions: int = 2
    """1 for left to right, 2 for both directions."""
    implementation: str = "auto"
    """LSTM of training steps: ``scan``, ``cudnn`` (NVIDIA devices only), or ``auto`` for cudnn where it is available.
    Parameters are the same; inference always uses the scan."""


class RecurrentLayer(nn.Module):
    """One LSTM or GRU layer, in one or both directions.

    Its parameters are ``kernel`` (directions, D, G U), ``recurrent`` (directions, U, G U) and ``bias`` (directions,
    G U). An LSTM has G = 4 gates i, f, g, o; a GRU has G = 3 gates r, z, n, and ``recurrent_bias`` (directions, U) for
    n.

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
        """Hidden states, directions concatenated; zero beyond a sample's length.

        Args:
          features: inputs of all frames.
          lengths: frames of each sample; 0 for rows without a sample.
          train: use ``implementation``; otherwise the scan, which runs on any device.

        Raises:
          ValueError: unknown ``cell``, ``directions`` or ``implementation``, or cuDNN is not available.
        """
        if self.cell not in ("lstm", "gru"):
            raise ValueError(f"model.recurrent.cell={self.cell!r}: choose lstm or gru")
        if self.directions not in (1, 2):
            raise ValueError(f"model.recurrent.directions={self.directions}: choose 1 or 2")
        directions, units, width = self.directions, self.units, self.units * (4 if self.cell == "lstm" else 3)
        glorot = nn.initializers.glorot_uniform(batch_axis=0)
        kernel = self.param("kernel", glorot, (directions, features.shape[-1], width))
        recurrent = self.param("recurrent", _orthogonal_gates, (directions, units, width))
        bias = self.param(
            "bias", _unit_forget_bias if self.cell == "lstm" else nn.initializers.zeros, (directions, width)
        )
        if self._uses_cudnn(train):
            return cudnn_lstm.lstm(kernel, recurrent, bias, features, lengths)
        if self.cell == "lstm":
            input_bias, recurrent_bias = 0.0, bias
        else:  # the reset gate scales only the recurrent bias of n
            of_n = self.param("recurrent_bias", nn.initializers.zeros, (directions, units))
            input_bias, recurrent_bias = bias[:, None, None], jnp.pad(of_n, ((0, 0), (2 * units, 0)))
        kernel, recurrent, features = (x.astype(self.dtype) for x in (kernel, recurrent, features))
        frames = _by_direction(features.transpose(1, 0, 2), directions)  # directions T B D
        inputs = jnp.einsum("ktbd,kdg->ktbg", frames, kernel) + input_bias
        live = _by_direction(jnp.arange(features.shape[1])[:, None] < lengths, directions)
        hidden = recur(CELLS[self.cell], inputs.swapaxes(0, 1), recurrent, recurrent_bias, live.swapaxes(0, 1))
        in_time = [hidden[:, 0], *(hidden[::-1, direction] for direction in range(1, directions))]
        return jnp.concatenate(in_time, axis=-1).transpose(1, 0, 2)

    def _uses_cudnn(self, train: bool) -> bool:
        setting = f"model.recurrent.implementation={self.implementation!r}"
        match self.implementation:
            case "scan":
                return False
            case "auto":
                return train and self.cell == "lstm" and cudnn_lstm.advisable()
            case "cudnn" if self.cell != "lstm":
                raise ValueError(
                    f"{setting} does not support model.recurrent.cell={self.cell!r}: "
                    "choose cell lstm, or implementation auto or scan"
                )
            case "cudnn" if train and not cudnn_lstm.available():
                raise ValueError(
                    f"{setting} needs an NVIDIA device, JAX runs on {jax.default_backend()}: choose auto or scan"
                )
            case "cudnn":
                return train
            case _:
                raise ValueError(f"{setting}: choose auto, scan or cudnn")


def _by_direction(frames: Shaped[Array, "T *rest"], directions: int) -> Shaped[Array, "directions T *rest"]:
    """Stacks the frames in the order in which each direction visits them."""
    return jnp.stack([frames, frames[::-1]][:directions])


def _orthogonal_gates(key: Array, shape: tuple[int, int, int]) -> Float[Array, "directions U G*U"]:
    """An orthogonal matrix for each gate of each direction."""
    directions, units, width = shape
    gates = width // units
    keys = jax.random.split(key, directions * gates)
    # One after the other: batched QR decompositions in one program wait for each other's threads on small CPUs.
    blocks = jax.lax.map(lambda k: nn.initializers.orthogonal()(k, (units, units)), keys)
    return blocks.reshape(directions, gates, units, units).transpose(0, 2, 1, 3).reshape(shape)


def _unit_forget_bias(key: Array, shape: tuple[int, int]) -> Float[Array, "directions 4*U"]:
    """Zeros, and ones for the forget gates (Jozefowicz et al. 2015)."""
    del key
    units = shape[1] // 4
    return jnp.zeros(shape).at[:, units : 2 * units].set(1.0)


class RecurrentStack(nn.Module):
    """Recurrent layers with linear projections between them: ``layer1``, ``projection1``, ``layer2`` and so on."""

    config: RecurrentConfig
    dtype: jnp.dtype = jnp.float32

    @nn.compact
    def __call__(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], *, train: bool
    ) -> Float[Array, "B T directions*U"]:
        """Hidden states of the last layer; arguments as for `RecurrentLayer`.

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
