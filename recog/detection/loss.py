"""Losses of YOLOv3 for a batch of pictures, and of the corners."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from recog.detection.overlap import areas, intersection_over_union
from recog.detection.positions import (
    LARGEST,
    Positions,
    Raw,
    at_positions,
    decode_boxes,
    mark_positions,
)

IGNORE = 0.5
"""Minimum intersection over union with an object at which a prediction without an object of its own has no loss."""


class Objects(NamedTuple):
    """Labelled objects of a batch."""

    boxes: Float[Any, "B M 4"]
    """x1, y1, x2, y2 in pixels; zero in empty slots. Predictions that overlap a box without ``mask`` have no loss."""
    corners: Float[Any, "B M 4 2"]
    """x and y in pixels."""
    classes: Int[Any, "B M"]
    mask: Bool[Any, "B M"]
    """Whether the slot holds an object that shall be found."""
    places: Int[Any, "B M"]
    """Position that shall predict the object (`recog.detection.positions.assign`)."""


class Losses(NamedTuple):
    """Sums over the positions of each picture."""

    objectness: Float[Array, " B"]
    """Logistic loss of the presence of objects."""
    box: Float[Array, " B"]
    """Squared errors of centre and size; those of small boxes weigh up to twice."""
    classes: Float[Array, " B"]
    """Logistic losses of the classes."""
    corners: Float[Array, " B"]
    """Huber losses of the corners, in sizes of the prior."""


def yolo_losses(raw: Raw, at: Positions, objects: Objects, picture: tuple[int, int]) -> Losses:
    """Losses of predictions.

    Args:
      raw: predictions.
      at: their positions.
      objects: labelled objects.
      picture: height and width of the padded pictures.
    """
    mask = objects.mask
    own = jax.tree.map(lambda x: at_positions(x, objects.places), raw)
    there = Positions(*(jnp.asarray(x)[objects.places] for x in at))
    kinds = jax.nn.one_hot(objects.classes, raw.classes.shape[-1])
    each = (
        _box_loss(own.boxes, there, objects.boxes, picture),
        jnp.sum(optax.sigmoid_binary_cross_entropy(own.classes, kinds), axis=-1),
        _corner_loss(own.corners, there, objects.corners),
    )
    return Losses(_objectness_loss(raw, at, objects), *(jnp.sum(jnp.where(mask, loss, 0.0), axis=1) for loss in each))


def _objectness_loss(raw: Raw, at: Positions, objects: Objects) -> Float[Array, " B"]:
    found = jax.lax.stop_gradient(decode_boxes(raw.boxes, at))
    overlaps = intersection_over_union(found[:, :, None], objects.boxes[:, None])  # B N M
    overlap = jnp.max(overlaps, axis=2)  # also with objects that do not count
    positive = mark_positions(objects.places, objects.mask, raw.objectness.shape[1])
    losses = optax.sigmoid_binary_cross_entropy(raw.objectness, positive.astype(jnp.float32))
    return jnp.sum(jnp.where(positive | (overlap < IGNORE), losses, 0.0), axis=1)


def _box_loss(
    predicted: Float[Array, "B M 4"], at: Positions, boxes: Float[Array, "B M 4"], picture: tuple[int, int]
) -> Float[Array, "B M"]:
    low, high = boxes[..., :2], boxes[..., 2:]
    centres = jnp.clip(((low + high) / 2 - at.cells) / at.strides, 0, 1)
    sizes = jnp.clip(jnp.log(jnp.maximum(high - low, 1.0) / at.priors), -LARGEST, LARGEST)
    errors = jnp.concatenate([jax.nn.sigmoid(predicted[..., :2]) - centres, predicted[..., 2:] - sizes], axis=-1)
    return (2 - areas(boxes) / np.prod(picture)) * jnp.sum(jnp.square(errors), axis=-1)


def _corner_loss(
    predicted: Float[Array, "B M 4 2"], at: Positions, corners: Float[Array, "B M 4 2"]
) -> Float[Array, "B M"]:
    wanted = (corners - at.middles[..., None, :]) / at.priors[..., None, :]
    return jnp.sum(optax.huber_loss(predicted, wanted), axis=(-1, -2))
