"""Stacked LSTM or GRU layers, in one or both directions, over sequences of different lengths.

Both directions advance in one scan over time (`recog.ops.recurrent_scan`); their input projections are computed for all
frames at once before it.
The backward direction starts at each sample's own last frame, so that padding never reaches a reading. Training steps
on NVIDIA devices take cuDNN's LSTM instead of the scan (see `recog.ops.cudnn_lstm`).
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
        """Hidden states of the directions side by side, zero beyond a sample's length.

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
        if self.cell == "lstm":
            outside, inside = 0.0, bias
        else:  # the reset gate reaches the other bias
            inner = self.param("recurrent_bias", nn.initializers.zeros, (ways, units))
            outside, inside = bias[:, None, None], jnp.pad(inner, ((0, 0), (2 * units, 0)))
        kernel, recurrent, features = (x.astype(self.dtype) for x in (kernel, recurrent, features))
        seen = _each_way(features.transpose(1, 0, 2), ways)  # directions T B D
        inputs = jnp.einsum("ktbd,kdg->ktbg", seen, kernel) + outside
        live = _each_way(jnp.arange(features.shape[1])[:, None] < lengths, ways)
        hidden = recur(CELLS[self.cell], inputs.swapaxes(0, 1), recurrent, inside, live.swapaxes(0, 1))
        in_time = [hidden[:, 0], *(hidden[::-1, way] for way in range(1, ways))]
        return jnp.concatenate(in_time, axis=-1).transpose(1, 0, 2)

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


def _each_way(frames: Shaped[Array, "T *rest"], ways: int) -> Shaped[Array, "directions T *rest"]:
    """In the order in which each direction goes."""
    return jnp.stack([frames, frames[::-1]][:ways])


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
