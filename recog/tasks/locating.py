"""Locating objects in pictures: boxes, classes and corners."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import BoxCodec, BoxTargets, Prediction, Reading
from recog.detection.loss import Objects, yolo_losses
from recog.detection.overlap import areas
from recog.detection.positions import (
    Raw,
    assign,
    bounding_boxes,
    decode_boxes,
    decode_corners,
    make_positions,
)
from recog.detection.suppression import suppress
from recog.metrics import BoxCounts
from recog.metrics.boxes import THRESHOLD
from recog.tasks.judge import Judge
from recog.tasks.task import Loss, LossOutput, Task, Variables, apply_training, masked_mean, normalize

CANDIDATES = 256
"""Number of predictions with the highest scores among which duplicates are suppressed."""
DETECTIONS = 100
"""Maximum number of detections in a picture, as COCO counts them."""
DUPLICATE = 0.45
"""Maximum intersection over union of two detections of a class, as in Darknet."""
LEAST = 0.005
"""Minimum score of a detection, Darknet's when it evaluates; users set a higher threshold."""


class BoxJudge(Judge):
    """Judges detections."""

    codec: BoxCodec

    def count(self, prediction: Prediction, targets: BoxTargets) -> BoxCounts:
        """Compares detections with labelled boxes."""
        return BoxCounts.of(prediction, targets, THRESHOLD)

    def rows(self, prediction: Prediction) -> list[Reading]:
        """Detections of each picture with at least `THRESHOLD`, as text; on the host."""
        mask = prediction["mask"] & (prediction["scores"] >= THRESHOLD)
        return super().rows(prediction | {"mask": mask})


@dataclasses.dataclass(frozen=True)
class LocatingTask(BoxJudge, Task):
    """Trains a `recog.models.yolo.YOLO`."""

    model: Any
    codec: BoxCodec

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (Loss("yolo", self._yolo),)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Initial variables for batches of this shape."""
        return dict(self.model.init(key, normalize(batch.images), batch.widths, train=False))

    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """Up to `DETECTIONS` objects in a picture, by decreasing score.

        Returns:
          ``boxes`` B N 4 (x1, y1, x2, y2), ``corners`` B N 4 2, both in pixels, ``classes`` B N, ``scores`` B N, and
          ``mask`` B N, whether the slot holds an object; the other arrays are zero in empty slots.
        """
        raw: Raw = self.model.apply(variables, normalize(images), sizes[:, 1], train=False)
        at = make_positions(self.model.config.priors, *images.shape[1:3])
        chances = jax.nn.sigmoid(raw.objectness)[..., None] * jax.nn.sigmoid(raw.classes)
        borders = jnp.tile(sizes[:, ::-1], 2)[:, None].astype(jnp.float32)
        boxes = jnp.clip(decode_boxes(raw.boxes, at), 0, borders)
        padding = jnp.any(at.cells >= sizes[:, None, ::-1], axis=-1)
        ranked = jnp.where(padding | (areas(boxes) <= 0), 0.0, jnp.max(chances, axis=-1))
        scores, places = jax.lax.top_k(ranked, min(CANDIDATES, ranked.shape[1]))
        found = {
            "boxes": boxes,
            "corners": decode_corners(raw.corners, at),
            "classes": jnp.argmax(chances, axis=-1).astype(jnp.int32),
        }
        found = {name: jnp.take_along_axis(x, _like(places, x), axis=1) for name, x in found.items()}
        found["scores"] = jnp.where(scores >= LEAST, scores, 0.0)
        kept = suppress(found["boxes"], found["classes"], found["scores"], DUPLICATE)
        return _first(found, kept)

    def _yolo(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        raw, model_state = apply_training(self.model, variables, batch, key)
        picture, priors, targets = batch.images.shape[1:3], self.model.config.priors, batch.targets
        boxes = bounding_boxes(targets.corners, batch.sizes)
        objects = Objects(boxes, targets.corners, targets.classes, targets.mask, assign(boxes, priors, *picture))
        losses = yolo_losses(raw, make_positions(priors, *picture), objects, picture)
        weight = self.model.config.regression
        total = losses.objectness + losses.classes + weight * (losses.box + losses.corners)
        sums = {f"{name}_loss": jnp.sum(jnp.where(batch.mask, x, 0.0)) for name, x in losses._asdict().items()}
        return masked_mean(total, batch.mask), LossOutput(model_state, total, sums)


def _like(places: Int[Array, "B N"], x: Array) -> Array:
    """Indices with as many axes as ``x``."""
    return places.reshape(*places.shape, *[1] * (x.ndim - 2))


def _first(found: dict[str, Array], kept: Array) -> dict[str, Array]:
    """The first `DETECTIONS` objects that are kept, in their order."""
    order = jnp.argsort(~kept, axis=1, stable=True)[:, :DETECTIONS]
    mask = jnp.take_along_axis(kept, order, axis=1)
    chosen = {name: jnp.take_along_axis(x, _like(order, x), axis=1) for name, x in found.items()}
    return {name: jnp.where(_like(mask, x), x, 0) for name, x in chosen.items()} | {"mask": mask}
