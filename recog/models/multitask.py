"""The multi-task reader of price tags: one backbone and encoder, one decoder for each part of the text.

After "Towards accurate price tag recognition algorithm with multi-task RNN" (Acta Automatica Sinica 48(2), 2022):
96x200 pixels become 12x25x512 features (VGG or the 29-layer ResNet of Baek et al. 2019), these 25 times 6144, read by a
BLSTM encoder that all branches share. Each branch has a decoder of its own: content attention, or a classifier for CTC.
"""

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.codecs import TextCodec
from recog.models.attention import AttentionDecoder
from recog.models.config import RecurrentModelConfig
from recog.models.resnet import ResNet29
from recog.models.vgg import VGG
from recog.ops.conv_block import rows_with_samples
from recog.ops.dropout import Dropout
from recog.ops.recurrent import RecurrentStack
from recog.structure import Structure, named_structure

STRIDE = 8
"""Pixels of the picture for each position of the encoder, along both axes."""


@dataclasses.dataclass
class MultiTaskConfig(RecurrentModelConfig):
    """The paper's reader, and what its tables vary."""

    structure: str = "price"
    """How a text is cut into parts: ``price``, ``plate_parts``, ``plate_full``; ``whole`` for a single task."""
    branches: tuple[str, ...] = ()
    """Which parts are read, by the names that the structure has for them; empty reads all (Table 2)."""
    backbone: str = "vgg"
    """``vgg`` or ``resnet`` (Table 1)."""
    decoder: str = "attention"
    """``attention`` or ``ctc`` (Table 1)."""
    units: int = 256
    """Hidden units of each attention decoder."""
    eta: float = 0.5
    """Weight of the loss of the branch that reads all parts (no decimal point), where others read each."""
    eta_rate: float = 0.0
    """How fast that weight follows the validation loss, once at each evaluation; 0 keeps it fixed."""

    @property
    def parts(self) -> Structure:
        """The structure with the chosen branches; raises ``ValueError`` where there is no such structure or branch."""
        return named_structure(self.structure, self.branches)

    @property
    def can_stack(self) -> bool:
        """Whether several runs can train as one program: eta is learnt outside of it."""
        return super().can_stack and not self.eta_rate

    def check(self) -> None:
        """See `ModelConfig.check`."""
        super().check()
        if self.eta < 0 or self.eta_rate < 0:
            raise ValueError(f"model.eta={self.eta} and model.eta_rate={self.eta_rate} must not be negative")

    def build(self, codec: TextCodec) -> "MultiTaskReader":
        """The module that reads over the codec's alphabet."""
        return MultiTaskReader(
            self,
            tuple(branch.name for branch in self.parts.branches),
            codec.classes,
            codec.alphabet.blank_id,
            codec.max_length,
        )


class BranchScores(NamedTuple):
    """One branch's scores of a batch."""

    logits: Float[Array, "B T K"]
    """Unnormalised, float32: of each frame (CTC), or of each token after those read before it (attention)."""
    lengths: Int[Array, " B"]
    """Frames or tokens of each row; those of attention are all scored."""
    places: Int[Array, "B T"]
    """The encoder's position that each is read from."""


class MultiTaskReader(nn.Module):
    """Backbone, encoder and the branches' decoders.

    Example::

      model = MultiTaskReader(MultiTaskConfig(), ("integer", "decimal"), classes=12, blank_id=0, steps=8)
      variables = model.init(key, images, widths, labels, train=False)  # images: B 96 200 C in -1..1
      logits = model.apply(variables, images, widths, labels, train=False)["integer"]
      scores = model.apply(variables, images, widths, method="score")["integer"]  # BranchScores

    Raises:
      ValueError: a backbone or decoder that there is not.
    """

    config: MultiTaskConfig
    branches: tuple[str, ...]
    classes: int
    blank_id: int
    """The class that CTC takes for its blank, and attention for start and end of a text."""
    steps: int
    """Most tokens that an attention decoder reads."""

    def setup(self):
        config, dtype = self.config, jnp.dtype(self.config.dtype)
        self.backbone = _backbone(config, dtype)
        self.encoder = RecurrentStack(config.recurrent, dtype)
        self.drop = Dropout(config.dropout)
        self.decoders = {name: self._decoder(dtype) for name in self.branches}

    def frames(self, width: int) -> int | None:
        """Frames for CTC; None where attention decodes, which reads texts of any length."""
        return width // STRIDE if self.config.decoder == "ctc" else None

    def __call__(
        self,
        images: Float[Array, "B H W C"],
        widths: Int[Array, " B"],
        labels: Mapping[str, Int[Array, "B L"]],
        *,
        train: bool,
    ) -> dict[str, Float[Array, "B T K"]]:
        """Logits of each branch: of every frame (CTC), or of every token after those before it and the end (attention).

        Args:
          images: -1..1; height and width multiples of 8.
          widths: 0 for rows without a sample, which move no batch statistics.
          labels: what each branch is to read; only attention looks at it, to go on from the right tokens.
          train: whether batch statistics are taken from this batch, and features dropped.
        """
        features, lengths = self.encode(images, widths, train=train)
        if self.config.decoder == "ctc":
            return {name: decoder(features).astype(jnp.float32) for name, decoder in self.decoders.items()}
        return {name: decoder(features, lengths, labels[name]) for name, decoder in self.decoders.items()}

    def score(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"]) -> dict[str, BranchScores]:
        """Scores of each branch without labels: attention goes on from its own most probable tokens."""
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

    def encode(self, images: Float[Array, "B H W C"], widths: Int[Array, " B"], *, train: bool):
        """Features ``B T D`` of ``W // 8`` positions, and how many each row has: none where there is no sample."""
        height, width = images.shape[1:3]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"the multi-task reader takes pictures whose sides are multiples of {STRIDE}, got {height}x{width}: "
                "set data.height and data.width (96 and 200 in the paper)"
            )
        x = self.backbone(images, rows_with_samples(widths), train=train)  # B H/8 W/8 D
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
