"""Multi-task reader of price tags: one backbone and encoder, and a decoder for each part of the text.

After "Towards accurate price tag recognition algorithm with multi-task RNN" (Acta Automatica Sinica 48(2), 2022):
96x200 pixels become 12x25x512 features (VGG or the 29-layer ResNet of Baek et al. 2019), reshaped to 25 positions of
6144 features for a BLSTM encoder that all branches share. Each branch has its own decoder: content attention, or a
classifier for CTC.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import TextCodec
from recog.models.attention import AttentionDecoder, AttentionReader
from recog.models.config import RecurrentModelConfig
from recog.models.resnet import ResNet29
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.dropout import Dropout
from recog.ops.feature_map import feature_map
from recog.ops.recurrent import RecurrentStack
from recog.structure import Structure, named_structure

STRIDE = 8
"""Pixels of the picture per position of the features, along both axes."""


@dataclasses.dataclass
class MultiTaskConfig(RecurrentModelConfig):
    """Settings of the reader; the defaults are the paper's, the alternatives those of its tables."""

    structure: str = "price"
    """Division of a text into parts: ``price``, ``plate_parts``, ``plate_full``; ``whole`` for a single task."""
    branches: tuple[str, ...] = ()
    """Names of the structure's branches to use; empty uses all (Table 2)."""
    backbone: str = "vgg"
    """Backbone: ``vgg`` or ``resnet`` (Table 1)."""
    decoder: str = "attention"
    """Decoders: ``attention`` or ``ctc`` (Table 1)."""
    units: int = 256
    """Hidden units of each attention decoder."""
    eta: float = 0.5
    """Loss weight of the branch that reads the whole text, if every part has a branch of its own as well."""
    eta_rate: float = 0.0
    """Learning rate of that weight, which is updated at each evaluation; 0 keeps it fixed."""

    @property
    def parts(self) -> Structure:
        """Structure with the chosen branches; raises ``ValueError`` for an unknown structure or branch."""
        return named_structure(self.structure, self.branches)

    @property
    def can_stack(self) -> bool:
        """Whether several runs can train as one program; eta is learnt outside of it."""
        return super().can_stack and not self.eta_rate

    def check(self) -> None:
        """See `ModelConfig.check`."""
        super().check()
        if self.eta < 0 or self.eta_rate < 0:
            raise ValueError(f"model.eta={self.eta} and model.eta_rate={self.eta_rate}: choose 0 or more for both")

    def build(self, codec: TextCodec) -> "MultiTaskReader":
        """Builds the module for the codec's alphabet."""
        return MultiTaskReader(
            self,
            tuple(branch.name for branch in self.parts.branches),
            codec.classes,
            codec.alphabet.blank_id,
            codec.max_length,
        )


class BranchScores(NamedTuple):
    """Scores of one branch for a batch."""

    logits: Float[Array, "B T K"]
    """Float32 logits of each frame (CTC), or of each token given those predicted before it (attention)."""
    lengths: Int[Array, " B"]
    """Number of frames or tokens in each row; attention scores the maximum number of tokens and the end."""
    places: Int[Array, "B T"]
    """Position of the encoder for each frame or token."""


class MultiTaskReader(nn.Module):
    """Backbone, encoder and one decoder per branch.

    Example::

      model = MultiTaskReader(MultiTaskConfig(), ("integer", "decimal"), classes=12, blank_id=0, steps=8)
      variables = model.init(key, images, widths, labels, train=False)  # images: B 96 200 C in -1..1
      logits = model.apply(variables, images, widths, labels, train=False)["integer"]
      scores = model.apply(variables, images, widths, method="score")["integer"]  # BranchScores

    Raises:
      ValueError: unknown backbone or decoder.
    """

    config: MultiTaskConfig
    branches: tuple[str, ...]
    """Names of the branches."""
    classes: int
    """Number of classes, blank included."""
    blank_id: int
    """Class id of the CTC blank; start and end token for attention."""
    steps: int
    """Maximum number of tokens that an attention decoder predicts."""

    def setup(self):
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        self.backbone = _backbone(config, dtype)
        self.encoder = RecurrentStack(config.recurrent, dtype)
        self.drop = Dropout(config.dropout)
        self.decoders = {name: self._decoder(dtype) for name in self.branches}

    def frames(self, width: int) -> int | None:
        """Number of CTC frames for a picture of this width in pixels; None for attention, which has no such limit."""
        return width // STRIDE if self.config.decoder == "ctc" else None

    def __call__(
        self,
        images: Float[Array, "B H W C"],
        widths: Int[Array, " B"],
        labels: Mapping[str, Int[Array, "B L"]],
        *,
        train: bool,
    ) -> dict[str, Float[Array, "B T K"]]:
        """Logits of each branch: of every frame (CTC), or of every token and the end given those before (attention).

        Args:
          images: -1..1; height and width multiples of 8.
          widths: 0 for rows without a sample, which do not change batch statistics.
          labels: labels of each branch, used by attention decoders only (teacher forcing).
          train: whether to normalise by the statistics of this batch and to apply dropout.
        """
        features, lengths = self.encode(images, widths, train=train)
        if self.config.decoder == "ctc":
            return {name: decoder(features).astype(jnp.float32) for name, decoder in self.decoders.items()}
        return {name: decoder(features, lengths, labels[name]) for name, decoder in self.decoders.items()}

    def score(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> dict[str, BranchScores]:
        """Scores of each branch without labels; attention decoders continue from their most probable tokens."""
        features, lengths = self.encode(images, widths, train=False)
        if self.config.decoder == "ctc":
            places = jnp.broadcast_to(jnp.arange(features.shape[1], dtype=jnp.int32), features.shape[:2])
            return {
                name: BranchScores(decoder(features).astype(jnp.float32), lengths, places)
                for name, decoder in self.decoders.items()
            }
        tokens = jnp.where(lengths > 0, self.steps + 1, 0)
        return {
            name: BranchScores(logits, tokens, places)
            for name, decoder in self.decoders.items()
            for logits, places in [decoder.run_freely(features, lengths, self.steps)]
        }

    def readers(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> dict[str, AttentionReader]:
        """Attention decoders of each branch for these pictures, for searches."""
        features, lengths = self.encode(images, widths, train=False)
        return {name: decoder.reader(features, lengths) for name, decoder in self.decoders.items()}

    def encode(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"], *, train: bool):
        """Features ``B T D`` with ``T = W // 8``, and the number of positions in each row: 0 without a sample."""
        height, width = images.shape[1:3]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"the multi-task reader needs height and width to be multiples of {STRIDE}, got {height}x{width}: "
                "set data.height and data.width (96 and 200 in the paper)"
            )
        x = feature_map(self, self.backbone(images, rows_with_samples(widths), train=train))  # B H/8 W/8 D
        x = x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1)
        lengths = jnp.where(widths > 0, x.shape[1], 0)
        return self.drop(self.encoder(x, lengths, train=train), train=train), lengths

    def _decoder(self, dtype: jnp.dtype) -> nn.Module:
        match self.config.decoder:
            case "attention":
                return AttentionDecoder(self.classes, self.config.units, self.blank_id, dtype)
            case "ctc":
                return nn.Dense(self.classes)
            case other:
                raise ValueError(f"model.decoder={other!r}: choose attention or ctc")


def _backbone(config: MultiTaskConfig, dtype: jnp.dtype) -> nn.Module:
    match config.backbone:
        case "vgg":
            return VGG(config.width, dtype)
        case "resnet":
            return ResNet29(config.width, dtype)
        case other:
            raise ValueError(f"model.backbone={other!r}: choose vgg or resnet")
