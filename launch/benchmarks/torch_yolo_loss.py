"""Losses of YOLOv3 in PyTorch, without loops over pictures or boxes and without waiting for the device."""

import numpy as np
import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed
from torch import nn  # pyright: ignore[reportMissingImports]
from torch.nn import functional  # pyright: ignore[reportMissingImports]

from recog.codecs import BoxTargets
from recog.detection.loss import IGNORE
from recog.detection.positions import LARGEST, PRIORS, STRIDES, Positions, Raw, make_positions
from recog.models.yolo import YOLOConfig


class YOLOLoss(nn.Module):
    """Loss of `recog.tasks.locating.LocatingTask` for pictures without padding, the assignment of priors included.

    Example::

      loss = YOLOLoss(config.model, height=256, width=320)(raw, targets)  # mean over pictures

    Args:
      config: priors, and weight of the losses of boxes and corners.
      height: rows of the pictures.
      width: columns of the pictures.
    """

    cells: torch.Tensor
    strides: torch.Tensor
    priors: torch.Tensor
    shapes: torch.Tensor
    """The priors of all scales."""
    grids: torch.Tensor
    """Stride, rows, columns and first position of each scale."""
    borders: torch.Tensor
    """Width and height of the pictures."""

    def __init__(self, config: YOLOConfig, height: int, width: int):
        super().__init__()
        self.regression, self.area = config.regression, height * width
        at, strides = make_positions(config.priors, height, width), np.array(STRIDES)
        rows, columns = height // strides, width // strides
        first = PRIORS * (np.cumsum(rows * columns) - rows * columns)
        for name, values in at._asdict().items():
            self.register_buffer(name, torch.from_numpy(values))
        self.register_buffer("shapes", torch.tensor(config.priors, dtype=torch.float32))
        self.register_buffer("grids", torch.from_numpy(np.stack([strides, rows, columns, first])))
        self.register_buffer("borders", torch.tensor([width, height], dtype=torch.float32))

    def forward(self, raw: Raw, targets: BoxTargets):
        """Mean loss of the pictures; predictions and targets are tensors."""
        corners, classes, mask, _ = targets
        low, high = (x.clamp(min=0).minimum(self.borders) for x in (corners.amin(2), corners.amax(2)))
        boxes = torch.cat([low, high], 2)
        places = self._assign(boxes)
        there = Positions(self.cells[places], self.strides[places], self.priors[places])
        kinds = (classes[..., None] == torch.arange(raw.classes.shape[-1], device=classes.device)).float()
        of_classes = _logistic_losses(_at(raw.classes, places), kinds).sum(-1)
        of_boxes = self._box_losses(_at(raw.boxes, places), there, boxes)
        of_corners = _corner_losses(_at(raw.corners, places), there, corners)
        of_objects = (of_classes + self.regression * (of_boxes + of_corners)) * mask
        return (self._objectness_losses(raw, boxes, places, mask).sum() + of_objects.sum()) / len(mask)

    def _assign(self, boxes):
        """`recog.detection.positions.assign`."""
        sizes = boxes[..., 2:] - boxes[..., :2]
        shared = torch.minimum(sizes[:, :, None], self.shapes).prod(-1)
        best = (shared / (sizes.prod(-1, keepdim=True) + self.shapes.prod(-1) - shared)).argmax(-1)
        stride, rows, columns, first = self.grids[:, best // PRIORS]
        x, y = ((boxes[..., :2] + boxes[..., 2:]) / 2 / stride[..., None]).long().unbind(-1)
        cell = y.clamp(min=0).minimum(rows - 1) * columns + x.clamp(min=0).minimum(columns - 1)
        return first + PRIORS * cell + best % PRIORS

    def _objectness_losses(self, raw: Raw, boxes, places, mask):
        with torch.no_grad():
            overlap = overlaps(self._decode(raw.boxes), boxes).amax(2)
            count = raw.objectness.shape[1]
            positive = torch.zeros(len(places), count + 1, dtype=torch.bool, device=places.device)
            positive = positive.scatter(1, places.where(mask, count), True)[:, :count]
            counts = positive | (overlap < IGNORE)
        return _logistic_losses(raw.objectness, positive.float()) * counts

    def _decode(self, boxes):
        """`recog.detection.positions.decode_boxes`."""
        centres = self.cells + self.strides * boxes[..., :2].sigmoid()
        half = self.priors * boxes[..., 2:].clamp(max=LARGEST).exp() / 2
        return torch.cat([centres - half, centres + half], -1)

    def _box_losses(self, predicted, at: Positions, boxes):
        low, high = boxes[..., :2], boxes[..., 2:]
        centres = (((low + high) / 2 - at.cells) / at.strides).clamp(0, 1)
        sizes = ((high - low).clamp(min=1) / at.priors).log().clamp(-LARGEST, LARGEST)
        errors = torch.cat([predicted[..., :2].sigmoid() - centres, predicted[..., 2:] - sizes], -1)
        return (2 - _areas(boxes) / self.area) * errors.square().sum(-1)


def _at(values, places):
    """Values ``B M ...`` at positions, by ``gather``: the gradient of indexing sorts."""
    index = places.view(*places.shape, *[1] * (values.ndim - 2))
    return values.gather(1, index.expand(*places.shape, *values.shape[2:]))


def overlaps(predicted, boxes):
    """Intersection over union ``B N M`` of predicted boxes ``B N 4`` and labelled ones ``B M 4``."""
    one, other = predicted[:, :, None], boxes[:, None]
    low, high = torch.maximum(one[..., :2], other[..., :2]), torch.minimum(one[..., 2:], other[..., 2:])
    shared = _product((high - low).clamp(min=0))
    union = _areas(one) + _areas(other) - shared
    return shared / union.where(union > 0, 1.0)


def _areas(boxes):
    return _product((boxes[..., 2:] - boxes[..., :2]).clamp(min=0))


def _product(sides):
    return sides[..., 0] * sides[..., 1]  # faster than a reduction over two numbers


def _logistic_losses(logits, wanted):
    return functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")


def _corner_losses(predicted, at: Positions, corners):
    wanted = (corners - at.middles[..., None, :]) / at.priors[..., None, :]
    return functional.huber_loss(predicted, wanted, reduction="none").sum((-1, -2))
