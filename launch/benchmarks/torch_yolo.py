"""YOLOv3 with corners in PyTorch: a rival in `launch.benchmarks.train`.

Layer by layer it computes the same as `recog.models.yolo` for pictures without padding, tuned for PyTorch: pictures
``B C H W`` in the channels-last memory format, activations in place.
"""

import functools

import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.benchmarks.torch_readers import ConvBlock
from recog.detection.positions import PRIORS, STRIDES, Raw
from recog.models.darknet import FEATURES, STAGES, STEM
from recog.models.yolo import BOX, CORNERS, RARE, YOLOConfig
from recog.ops.conv_block import scaled

leaky_relu = functools.partial(functional.leaky_relu, negative_slope=0.1)


def conv(inputs: int, channels: int, size: int = 3, stride: int = 1) -> ConvBlock:
    """`recog.models.darknet.DarknetConv`."""
    return ConvBlock(
        inputs, channels, (size, size), (stride, stride), batch_norm=True, activation=leaky_relu, bias=False
    )


class ResidualBlock(nn.Module):
    """Residual block of `recog.models.darknet.Darknet`."""

    def __init__(self, channels: int, inner: int):
        super().__init__()
        self.squeeze = conv(channels, inner, 1)
        self.expand = conv(inner, channels)

    def forward(self, x):
        return x + self.expand(self.squeeze(x))


class Darknet(nn.Module):
    """`recog.models.darknet.Darknet`."""

    def __init__(self, config: YOLOConfig, inputs: int):
        super().__init__()
        self.patch = config.patch
        halved = config.patch.bit_length() - 1
        channels = scaled((STEM, *STAGES)[halved], config.width)
        self.stem = conv(inputs * config.patch**2, channels)
        self.stages = nn.ModuleList()
        for stage, blocks in enumerate(config.blocks):
            layers, before, inner = nn.Sequential(), channels, scaled(STAGES[stage] // 2, config.width)
            if stage >= halved:
                channels = scaled(STAGES[stage], config.width)
                layers.add_module("down", conv(before, channels, stride=2))
            for block in range(blocks):
                layers.add_module(f"block{block}", ResidualBlock(channels, inner))
            self.stages.append(layers)

    def forward(self, x):
        x, results = self.stem(space_to_depth(x, self.patch)), []
        for stage in self.stages:
            x = stage(x)
            results.append(x)
        return results[-FEATURES:]


def space_to_depth(x, patch: int):
    """`recog.models.darknet.space_to_depth` of channels-last ``B C H W``, in one copy that is channels-last again."""
    batch, channels, height, width = x.shape
    x = x.permute(0, 2, 3, 1).reshape(batch, height // patch, patch, width // patch, patch, channels)
    x = x.transpose(2, 3).reshape(batch, height // patch, width // patch, patch * patch * channels)
    return x.permute(0, 3, 1, 2)


class Scale(nn.Module):
    """Neck and heads of one stride; ``above`` is the number of channels from the larger stride, 0 for none."""

    def __init__(self, inputs: int, above: int, wide: int, narrow: int, classes: int):
        super().__init__()
        self.above = conv(above, narrow, 1) if above else None
        inputs += narrow if above else 0
        self.neck = nn.Sequential()
        for place in range(2):
            self.neck.add_module(f"squeeze{place}", conv(inputs, narrow, 1))
            self.neck.add_module(f"expand{place}", conv(narrow, wide))
            inputs = wide
        self.neck.add_module("squeeze2", conv(wide, narrow, 1))
        self.expand = conv(narrow, wide)
        self.found = nn.Conv2d(wide, PRIORS * (BOX + 1 + classes), 1)
        self.corners = nn.Conv2d(wide, PRIORS * CORNERS, 1)
        for parameter in (*self.found.parameters(), *self.corners.parameters()):
            nn.init.zeros_(parameter)

    def forward(self, x, above):
        """Features for the next smaller stride; then, in float32, boxes with presence and classes, and corners."""
        if self.above is not None:
            x = torch.cat([functional.interpolate(self.above(above), scale_factor=2.0), x], 1)
        narrow = self.neck(x)
        wide = self.expand(narrow)
        return narrow, by_position(self.found(wide)), by_position(self.corners(wide))


def by_position(x):
    """Predictions ``B N _`` in float32 from maps of all priors ``B D Y X``: no copy where they are channels-last."""
    return x.permute(0, 2, 3, 1).reshape(len(x), x.shape[2] * x.shape[3] * PRIORS, -1).float()


class YOLO(nn.Module):
    """`recog.models.yolo.YOLO`."""

    def __init__(self, config: YOLOConfig, inputs: int, classes: int):
        super().__init__()
        self.backbone = Darknet(config, inputs)
        self.scales, above = nn.ModuleDict(), 0
        for stride, channels in zip(reversed(STRIDES), reversed(STAGES), strict=False):
            wide, narrow = scaled(channels, config.width), scaled(channels // 2, config.width)
            self.scales[str(stride)] = Scale(wide, above, wide, narrow, classes)
            above = narrow

    def forward(self, images) -> Raw:
        """Predictions in the order of `recog.detection.positions.Positions` from pictures in -1..1."""
        above, heads = None, []
        for scale, features in zip(self.scales.values(), reversed(self.backbone(images)), strict=True):
            above, *head = scale(features, above)
            heads.append(head)
        found, corners = (torch.cat(parts, 1) for parts in zip(*reversed(heads), strict=True))
        return Raw(
            boxes=found[..., :BOX],
            objectness=found[..., BOX] + RARE,
            classes=found[..., BOX + 1 :],
            corners=corners.unflatten(2, (CORNERS // 2, 2)),
        )
