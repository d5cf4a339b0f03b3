"""Artifacts and samples of which a report is known in advance."""

import dataclasses
from pathlib import Path
from typing import Any

import cv2
import jax.numpy as jnp
import numpy as np

from recog.codecs import ClassCodec
from recog.export.write import Provenance, write_artifact
from recog.preprocess import Preprocess
from tests.painted_plates import READER, FixedTask, GreenReader, box, paint

CLASSES = ClassCodec(("dark", "bright"))
PLAIN = Preprocess(16, 16, 3)


@dataclasses.dataclass(frozen=True)
class Brightness(FixedTask):
    """Classifies pictures by their mean."""

    model: Any = None
    codec: ClassCodec = CLASSES

    def predict(self, variables, images, sizes):
        level = jnp.mean(images.astype(jnp.float32), axis=(1, 2, 3)) / 32 - 4
        logits = jnp.stack([-level, level], axis=1)
        return {"logits": logits, "probabilities": jnp.exp(logits) / jnp.sum(jnp.exp(logits), axis=1, keepdims=True)}


@dataclasses.dataclass(frozen=True)
class Confusing(GreenReader):
    """Reads each 8 as 3."""

    def predict(self, variables, images, sizes):
        green = images[..., 1:2]
        return super().predict(variables, jnp.where(green > 187, jnp.where(green < 213, 75, green), green), sizes)


def write(path: Path, task: Any, preprocess: Preprocess) -> Path:
    """Exports a task without weights."""
    write_artifact(path, task, {}, Provenance({}, {}, preprocess, "none", "none", 0, {}))
    return path


def write_reader(path: Path, *, confusing: bool = False) -> Path:
    """Artifact of a reader of painted plates."""
    return write(path, Confusing() if confusing else GreenReader(), READER)


def write_plates(folder: Path, plates: list[tuple[str, str, str]]) -> Path:
    """Pictures of plates: file name, text that is painted, and label."""
    folder.mkdir()
    for name, painted, _ in plates:
        picture = np.zeros((40, 120, 3), np.uint8)
        paint(picture, painted, box(0, 0, 120, 40))
        cv2.imwrite(str(folder / name), picture[..., ::-1])
    lines = [f"{name}\t{label}\n" for name, _, label in plates]
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder
