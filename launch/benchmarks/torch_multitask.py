"""The multi-task reader in PyTorch, with VGG and attention: a rival in `launch.benchmarks.train`.

Layer by layer it computes the same as `recog.models.multitask` for pictures without padding. The decoders advance by
``nn.LSTMCell``, whose input is the context beside the one-hot vector of the previous token; under autocast its states
are in bfloat16, whereas ours stay in float32.
"""

import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.benchmarks.torch_readers import ConvBlock, RecurrentStack
from recog.models import vgg
from recog.models.multitask import STRIDE, MultiTaskConfig
from recog.ops.conv_block import scaled


class VGG(nn.Module):
    """`recog.models.vgg.VGG`."""

    def __init__(self, inputs: int, width: float):
        super().__init__()
        for number, channels in enumerate(vgg.CHANNELS, start=1):
            normalized, channels = number in vgg.NORMALIZED, scaled(channels, width)
            self.add_module(f"conv{number}", ConvBlock(inputs, channels, batch_norm=normalized, bias=not normalized))
            inputs = channels
        self.features = inputs

    def forward(self, x):
        for number in range(1, len(vgg.CHANNELS) + 1):
            x = self.get_submodule(f"conv{number}")(x)
            if number in vgg.POOLED:
                x = functional.max_pool2d(x, 2)
        return x


class AttentionDecoder(nn.Module):
    """`recog.models.attention.AttentionDecoder` with teacher forcing."""

    def __init__(self, features: int, units: int, classes: int):
        super().__init__()
        self.position = nn.Linear(features, units, bias=False)
        self.query = nn.Linear(units, units)
        self.score = nn.Linear(units, 1, bias=False)
        self.cell = nn.LSTMCell(features + classes, units)
        self.output = nn.Linear(units, classes)

    def forward(self, features, previous):
        """Logits ``B S K`` from features ``B T D`` and one-hot previous tokens ``S B K``."""
        keys = self.position(features)
        hidden = cell = keys.new_zeros(len(keys), keys.shape[2])
        states = []
        for tokens in previous:
            scores = self.score(torch.tanh(keys + self.query(hidden)[:, None]))  # B T 1
            context = torch.bmm(functional.softmax(scores, 1).transpose(1, 2).to(features.dtype), features)[:, 0]
            hidden, cell = self.cell(torch.cat([context, tokens.to(context.dtype)], 1), (hidden, cell))
            states.append(hidden)
        return self.output(torch.stack(states, 1))


class MultiTaskReader(nn.Module):
    """`recog.models.multitask.MultiTaskReader` with VGG and attention decoders.

    Raises:
      ValueError: another backbone or decoder.
    """

    def __init__(self, config: MultiTaskConfig, height: int, inputs: int, classes: int):
        super().__init__()
        if (config.backbone, config.decoder) != ("vgg", "attention"):
            raise ValueError(
                f"model.backbone={config.backbone!r} with model.decoder={config.decoder!r} is not implemented for "
                "PyTorch: choose vgg and attention"
            )
        self.backbone = VGG(inputs, config.width)
        self.encoder = RecurrentStack(self.backbone.features * (height // STRIDE), config.recurrent)
        self.dropout = nn.Dropout(config.dropout)
        self.decoders = nn.ModuleDict(
            {
                branch.name: AttentionDecoder(self.encoder.features, config.units, classes)
                for branch in config.parts.branches
            }
        )

    def forward(self, images, previous):
        """Logits ``N B S K`` of N branches from pictures in -1..1 and one-hot previous tokens ``N S B K``."""
        frames = self.backbone(images).permute(3, 0, 2, 1).flatten(2)  # T B D
        features = self.dropout(self.encoder(frames)).transpose(0, 1).contiguous()
        branches = zip(self.decoders.values(), previous, strict=True)
        return torch.stack([decoder(features, tokens) for decoder, tokens in branches])
