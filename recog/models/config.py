"""Settings shared by all architectures."""

import dataclasses
from typing import Any, ClassVar, Self

import flax.linen as nn

from recog.codecs import TextCodec
from recog.ops.recurrent import RecurrentConfig

DTYPES = ("float32", "bfloat16")


@dataclasses.dataclass
class ModelConfig:
    """Base of the architectures' configurations; each adds its own fields and a ``build`` method."""

    width: float = 1.0
    """Factor for every channel count of the convolutions; below 1 for small variants."""
    dropout: float = 0.0
    """Dropout rate of the features before the classifier."""
    dtype: str = "float32"
    """Type of convolutions and matrix products; parameters, statistics and logits stay float32."""

    any_width: ClassVar[bool] = False
    """Whether the model reads pictures of any width; otherwise they are stretched to ``data.width``."""
    labels: ClassVar[type] = TextCodec
    """Codec class of the labels that the model is trained with."""
    array_fields: ClassVar[tuple[str, ...]] = ("dropout",)
    """Fields whose values enter the compiled training step as arrays, so that runs with other values share it."""

    @property
    def can_stack(self) -> bool:
        """Whether several runs can train as one program, by `jax.vmap`."""
        return True

    def stacked(self) -> Self:
        """Configuration of the model in a program of several runs."""
        return self

    def build(self, codec: Any) -> nn.Module:
        """Builds the module for labels of the codec."""
        raise NotImplementedError

    def check(self) -> None:
        """Raises ``ValueError``, naming the setting, if a value is out of its range."""
        if not self.width > 0:
            raise ValueError(f"model.width={self.width} multiplies channel counts: choose more than 0")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"model.dropout={self.dropout} is a share of features: choose 0 or more, below 1")
        if self.dtype not in DTYPES:
            raise ValueError(f"model.dtype={self.dtype!r}: choose {' or '.join(DTYPES)}")


@dataclasses.dataclass
class RecurrentModelConfig(ModelConfig):
    """Base of the configurations of models with recurrent layers."""

    recurrent: RecurrentConfig = dataclasses.field(default_factory=RecurrentConfig)

    @property
    def can_stack(self) -> bool:
        """Whether several runs can train as one program; cuDNN's LSTM does not support `jax.vmap`."""
        return self.recurrent.implementation != "cudnn"

    def stacked(self) -> Self:
        """Configuration with the recurrent layers as scans."""
        return dataclasses.replace(self, recurrent=dataclasses.replace(self.recurrent, implementation="scan"))
