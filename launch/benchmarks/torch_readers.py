"""CRNN, the plate reader and LPRNet in PyTorch: rivals in `launch.benchmarks.train` and `launch.benchmarks.models`.

Layer by layer they compute the same as `recog.models.crnn`, `recog.models.plate_reader` and `recog.models.lprnet` for
pictures without padding, with the same names of submodules. They are tuned for PyTorch: pictures ``B C H W`` in the
channels-last memory format, activations in place, frames ``T B D`` through ``nn.LSTM`` (cuDNN's on CUDA, oneDNN's on
CPUs). Each maps pictures in -1..1 to logits ``T B K``. Under autocast the classifiers are in bfloat16 too, whereas ours
stay in float32.
"""

from collections.abc import Callable

import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from launch.runs.config import Config
from recog.models import crnn, lprnet, stn
from recog.models.crnn import CRNNConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.ops.conv_block import scaled
from recog.ops.recurrent import RecurrentConfig


def make_reader(config: Config, classes: int) -> nn.Module:
    """The configured reader with fresh parameters.

    Raises:
      ValueError: this architecture is not implemented.
    """
    match config.model:
        case CRNNConfig() as model:
            return CRNN(model, config.data.channels, classes)
        case PlateReaderConfig() as model:
            return PlateReader(model, config.data.height, config.data.width, config.data.channels, classes)
        case LPRNetConfig() as model:
            return LPRNet(model, config.data.channels, classes)
        case other:
            raise ValueError(
                f"{type(other).__name__} is not implemented for PyTorch: choose a CRNN, plate reader or LPRNet"
            )


def count_parameters(reader: nn.Module) -> int:
    """Numbers in the parameters; the second bias of an LSTM, only ever added to the first, is not counted."""
    return sum(parameter.numel() for name, parameter in reader.named_parameters() if "bias_hh" not in name)


class ConvBlock(nn.Module):
    """`recog.ops.conv_block.ConvBlock`; half the kernel pads each side unless ``padding`` is given."""

    def __init__(
        self,
        inputs: int,
        channels: int,
        kernel: tuple[int, int] = (3, 3),
        strides: tuple[int, int] = (1, 1),
        padding: int | None = None,
        batch_norm: bool = False,
        activation: Callable | None = functional.relu,
        bias: bool = True,
    ):
        super().__init__()
        pad = (kernel[0] // 2, kernel[1] // 2) if padding is None else padding
        self.conv = nn.Conv2d(inputs, channels, kernel, strides, pad, bias=bias)
        self.norm = nn.BatchNorm2d(channels) if batch_norm else None
        self.activation = activation

    def forward(self, x):
        x = self.conv(x)
        x = x if self.norm is None else self.norm(x)
        return x if self.activation is None else self.activation(x, inplace=True)


class RecurrentStack(nn.Module):
    """LSTM layers of `recog.ops.recurrent.RecurrentStack`; without projections one ``nn.LSTM`` holds them all."""

    def __init__(self, inputs: int, config: RecurrentConfig):
        super().__init__()
        together = 1 if config.projection else config.layers
        self.features = config.directions * config.units
        self.stack = nn.ModuleDict()
        for number in range(1, config.layers + 1, together):
            self.stack[f"layer{number}"] = nn.LSTM(inputs, config.units, together, bidirectional=config.directions == 2)
            if config.projection and number < config.layers:
                self.stack[f"projection{number}"] = nn.Linear(self.features, config.projection)
                inputs = config.projection

    def forward(self, x):
        for layer in self.stack.values():
            x = layer(x)[0] if isinstance(layer, nn.LSTM) else layer(x)
        return x


class CRNN(nn.Module):
    """`recog.models.crnn.CRNN`."""

    def __init__(self, config: CRNNConfig, inputs: int, classes: int):
        super().__init__()
        self.normalized = config.batch_norm
        for number, channels in enumerate(crnn.CHANNELS, start=1):
            last, channels = number == len(crnn.CHANNELS), scaled(channels, config.width)
            self.add_module(f"conv{number}", nn.Conv2d(inputs, channels, 2 if last else 3, padding=0 if last else 1))
            if number in self.normalized:
                self.add_module(f"norm{number}", nn.BatchNorm2d(channels))
            inputs = channels
        self.recurrent = RecurrentStack(inputs, config.recurrent)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(self.recurrent.features, classes)

    def forward(self, x):
        for number in range(1, len(crnn.CHANNELS) + 1):
            x = self.get_submodule(f"conv{number}")(x)
            if number in self.normalized:
                x = self.get_submodule(f"norm{number}")(x)
            x = functional.relu(x, inplace=True)
            if stride := crnn.POOLS.get(number):
                x = functional.max_pool2d(x, 2, (2, stride), (0, 1 if stride == 1 else 0))
        frames = x[:, :, 0].permute(2, 0, 1)  # T B C
        return self.classifier(self.dropout(self.recurrent(frames)))


class Localization(nn.Module):
    """`recog.models.stn.Localization`; theta in float32 always."""

    def __init__(self, config: stn.STNConfig, height: int, width: int, inputs: int):
        super().__init__()
        leaky = functional.leaky_relu
        c1, c2, c3 = (scaled(channels, config.width) for channels in stn.CHANNELS)
        self.conv1 = ConvBlock(inputs, c1, activation=leaky)
        self.conv2 = ConvBlock(c1, c2, activation=leaky)
        self.conv3 = ConvBlock(c2, c3, activation=leaky)
        units = scaled(stn.UNITS, config.width)
        self.hidden = nn.Linear((height // 2) * (width // 2) * c3, units)
        self.dropout = nn.Dropout(config.dropout)
        self.theta = nn.Linear(units, len(stn.IDENTITY))
        nn.init.zeros_(self.theta.weight)
        with torch.no_grad():
            self.theta.bias.copy_(torch.tensor(stn.IDENTITY))

    def forward(self, images):
        x = self.conv3(self.conv2(functional.max_pool2d(self.conv1(images), 2)))
        x = x.permute(0, 2, 3, 1).flatten(1)  # no copy: channels-last has this order in memory
        x = self.dropout(functional.leaky_relu(self.hidden(x), inplace=True))
        with torch.autocast(images.device.type, enabled=False):
            return self.theta(x.float()).view(-1, 2, 3)


class SpatialTransformer(nn.Module):
    """`recog.models.stn.SpatialTransformer`; the warp is torch's own, in float32."""

    def __init__(self, config: stn.STNConfig, height: int, width: int, inputs: int):
        super().__init__()
        self.localization = Localization(config, height, width, inputs)

    def forward(self, images):
        theta = self.localization(images)
        with torch.autocast(images.device.type, enabled=False):
            grid = functional.affine_grid(theta, images.shape, align_corners=True)
            return functional.grid_sample(images, grid, padding_mode="border", align_corners=True)


class ResidualBlock(nn.Module):
    """`recog.models.plate_reader.ResidualBlock`."""

    def __init__(self, inputs: int, channels: tuple[int, int, int, int], width: float):
        super().__init__()
        first, second, third, last = (scaled(count, width) for count in channels)
        leaky = functional.leaky_relu
        self.conv1 = ConvBlock(inputs, first, activation=leaky)
        self.conv2 = ConvBlock(first, second, (1, 1), activation=leaky)
        self.conv3 = ConvBlock(second, third, strides=(2, 1), activation=leaky)
        self.conv4 = ConvBlock(third, last, activation=None)
        self.shortcut = ConvBlock(inputs, last, strides=(4, 2), activation=None)

    def forward(self, x):
        main = self.conv4(self.conv3(self.conv2(self.conv1(functional.max_pool2d(x, 2)))))
        return functional.leaky_relu(main + self.shortcut(x), inplace=True)


class ResidualCNN(nn.Module):
    """`recog.models.plate_reader.ResidualCNN`."""

    def __init__(self, inputs: int, width: float):
        super().__init__()
        leaky = functional.leaky_relu
        c64, c256, c512, self.features = (scaled(channels, width) for channels in (64, 256, 512, 1024))
        self.conv1 = ConvBlock(inputs, c64, batch_norm=True, activation=leaky, bias=False)
        self.residual1 = ResidualBlock(c64, (128, 64, 128, 256), width)
        self.residual2 = ResidualBlock(c256, (512, 256, 512, 1024), width)
        self.norm2 = nn.BatchNorm2d(self.features)
        self.conv2 = ConvBlock(self.features, c512, (1, 1), activation=leaky)
        self.conv3 = ConvBlock(c512, self.features, activation=leaky)

    def forward(self, x):
        x = self.norm2(self.residual2(self.residual1(self.conv1(x))))
        return functional.max_pool2d(self.conv3(self.conv2(x)), 2)


class PlateReader(nn.Module):
    """`recog.models.plate_reader.PlateReader`."""

    def __init__(self, config: PlateReaderConfig, height: int, width: int, inputs: int, classes: int):
        super().__init__()
        transformer = stn.STNConfig(config.transformer.width * config.width, config.transformer.dropout)
        self.stn = SpatialTransformer(transformer, height, width, inputs) if config.stn else nn.Identity()
        self.cnn = ResidualCNN(inputs, config.width)
        self.recurrent = RecurrentStack(self.cnn.features, config.recurrent)
        features = self.recurrent.features
        self.hidden = range(1, config.fc_layers)
        for number in self.hidden:
            self.add_module(f"fc{number}", nn.Linear(features, config.fc_units))
            features = config.fc_units
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(features, classes)

    def forward(self, images):
        x = self.cnn(self.stn(images))[:, :, 0].permute(2, 0, 1)  # T B C
        x = self.recurrent(x)
        for number in self.hidden:
            x = functional.leaky_relu(self.get_submodule(f"fc{number}")(x), inplace=True)
            x = self.dropout(x)
        return self.classifier(x)


class SmallBasicBlock(nn.Module):
    """`recog.models.lprnet.SmallBasicBlock`."""

    def __init__(self, inputs: int, channels: int):
        super().__init__()
        quarter = max(1, channels // 4)
        self.reduce = ConvBlock(inputs, quarter, (1, 1))
        self.vertical = ConvBlock(quarter, quarter, (3, 1))
        self.horizontal = ConvBlock(quarter, quarter, (1, 3))
        self.expand = ConvBlock(quarter, channels, (1, 1), batch_norm=True)

    def forward(self, x):
        return self.expand(self.horizontal(self.vertical(self.reduce(x))))


class LPRNet(nn.Module):
    """`recog.models.lprnet.LPRNet` with the context of each sample; channels are dropped before they are pooled."""

    def __init__(self, config: LPRNetConfig, inputs: int, classes: int):
        super().__init__()
        c64, c128, c256 = (scaled(channels, config.width) for channels in (64, 128, 256))
        self.conv1 = ConvBlock(inputs, c64, padding=0, batch_norm=True)
        self.block1 = SmallBasicBlock(c64, c128)
        self.block2 = SmallBasicBlock(-(-c128 // 2), c256)
        self.block3 = SmallBasicBlock(c256, c256)
        self.conv2 = ConvBlock(-(-c256 // 4), c256, (1, 4), padding=0, batch_norm=True)
        self.conv3 = ConvBlock(c256, classes, (13, 1), padding=0, batch_norm=True)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Conv2d(c64 + c128 + c256 + classes, classes, 1)

    def forward(self, images):
        first = self.conv1(images)
        second = self.block1(functional.max_pool2d(first, 3, 1))
        third = self.block3(self.block2(functional.max_pool2d(second[:, ::2], 3, (1, 2))))
        x = self.conv2(self.dropout(functional.max_pool2d(third[:, ::4], 3, (1, 2))))
        maps = (
            functional.avg_pool2d(first, 5),
            functional.avg_pool2d(second, 5),
            functional.avg_pool2d(third, (4, 10), (4, 2)),
            self.conv3(self.dropout(x)),
        )
        context = torch.cat([_balance(x.float()) for x in maps], 1)  # B D 4 18
        return self.classifier(context).mean(2).permute(2, 0, 1)


def _balance(x):
    return x / x.square().mean((1, 2, 3), keepdim=True).clamp_min(lprnet.LEAST_MEAN_SQUARE)
