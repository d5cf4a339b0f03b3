"""A detector and a reader of painted plates, without weights: what they find and read follows from the pixels.

Plates are painted with full red (class ``car``) or full blue (class ``truck``) in a dark picture; the green of their
left, middle and right third is their text, three digits.
"""

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import jax.numpy as jnp
import numpy as np

from recog.alphabet import DIGITS
from recog.codecs import BoxCodec, TextCodec
from recog.ctc import best_path
from recog.export.write import Provenance, write_artifact
from recog.preprocess import Preprocess
from recog.tasks.task import Task

STEP = 25
"""Green levels between digits."""
DETECTOR = Preprocess(96, 128, 3, letterbox=True)
READER = Preprocess(16, 48, 3)
NAMES, TEXTS = BoxCodec(("car", "truck")), TextCodec(DIGITS)
RED, BLUE = (255, 0, 0), (0, 0, 255)


class FixedTask(Task):
    """A task that only predicts."""

    @property
    def losses(self):
        return ()

    def init(self, key, batch):
        raise NotImplementedError

    def count(self, prediction, targets):
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Finder(FixedTask):
    """Finds one plate of each class, with scores of 0.9 and 0.6."""

    model: Any = None
    codec: BoxCodec = NAMES

    def predict(self, variables, images, sizes):
        colours = jnp.stack([images[..., 0], images[..., 2]], axis=1) > 180  # B N H W
        x, y = jnp.arange(images.shape[2]) + 0.5, jnp.arange(images.shape[1])[:, None] + 0.5

        def extreme(values):
            return jnp.max(jnp.where(colours, values, -1e4), axis=(2, 3))

        ends = [extreme(-x), extreme(-y), extreme(x), extreme(y)]
        boxes = jnp.stack([-ends[0] - 0.5, -ends[1] - 0.5, ends[2] + 0.5, ends[3] + 0.5], axis=-1)
        corners = []
        for across, down in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
            places = jnp.argmax(
                jnp.where(colours, across * x + down * y, -1e4).reshape(*colours.shape[:2], -1), axis=-1
            )
            middles = jnp.stack([places % images.shape[2], places // images.shape[2]], axis=-1) + 0.5
            corners.append(middles + 0.5 * np.array([across, down]))
        mask = jnp.any(colours, axis=(2, 3))
        return {
            "boxes": jnp.where(mask[..., None], boxes, 0).astype(jnp.float32),
            "corners": jnp.stack(corners, axis=2).astype(jnp.float32),
            "classes": jnp.broadcast_to(jnp.arange(2, dtype=jnp.int32), mask.shape),
            "scores": jnp.where(mask, jnp.array([0.9, 0.6]), 0).astype(jnp.float32),
            "mask": mask,
        }


@dataclasses.dataclass(frozen=True)
class GreenReader(FixedTask):
    """Reads a digit from the green in the middle of each third."""

    model: Any = None
    codec: TextCodec = TEXTS

    def predict(self, variables, images, sizes):
        levels = [
            jnp.mean(images[:, 5:11, start : start + 6, 1].astype(jnp.float32), axis=(1, 2)) for start in (6, 21, 36)
        ]
        far = (jnp.stack(levels, axis=1)[..., None] / STEP - jnp.arange(10)) ** 2
        logits = jnp.pad(-10 * far, ((0, 0), (0, 0), (1, 0)), constant_values=-200)  # the blank comes first
        lengths = jnp.where(sizes[:, 1] > 0, 3, 0).astype(jnp.int32)
        return best_path(logits, lengths)._asdict() | {"logits": logits, "logit_lengths": lengths}


def write_artifacts(folder: Path) -> tuple[Path, Path]:
    """Exports both; returns their folders."""
    paths = folder / "finder", folder / "reader"
    for path, task, preprocess in zip(paths, (Finder(), GreenReader()), (DETECTOR, READER), strict=True):
        write_artifact(path, task, {}, Provenance({}, {}, preprocess, "none", "none", 0, {}))
    return paths


def photograph(height: int, width: int) -> np.ndarray:
    """A dark picture."""
    return np.random.default_rng(0).integers(0, 60, (height, width, 3), np.uint8)


def paint(picture: np.ndarray, text: str, corners, colour=RED) -> None:
    """Paints a plate with these corners, in pixels that span 0 to the picture's width and height."""
    plate = np.full((40, 120, 3), colour, np.uint8)
    for place, digit in enumerate(text):
        plate[:, 40 * place : 40 * (place + 1), 1] = STEP * int(digit)
    own = np.array([[0, 0], [120, 0], [120, 40], [0, 40]], np.float32) - np.float32(0.5)
    matrix = cv2.getPerspectiveTransform(own, np.asarray(corners, np.float32) - np.float32(0.5))
    size = picture.shape[1], picture.shape[0]
    cv2.warpPerspective(plate, matrix, size, picture, cv2.INTER_LINEAR, cv2.BORDER_TRANSPARENT)


def box(left: float, top: float, right: float, bottom: float) -> np.ndarray:
    """Corners of a box."""
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float32)
