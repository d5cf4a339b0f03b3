"""Small files of samples that any configuration can start to train on."""

from pathlib import Path

import cv2
import numpy as np

from datasets.pipeline import DataConfig
from launch.runs.config import Config
from launch.runs.costs import USUAL_WIDTH
from launch.runs.tasks import make_task
from recog.codecs import BoxCodec, ClassCodec, TextCodec

COUNT = 64
"""Number of samples; batches repeat them."""
TOKENS = 3
"""Tokens of a label, different ones, which fit into the frames of every reader."""


def write_samples(config: Config, folder: Path) -> str:
    """Writes coloured pictures with labels of the configuration's kind, and returns their data specification.

    Pictures have the size that the model reads; those of any width have at most `USUAL_WIDTH`.
    """
    folder.mkdir(parents=True)
    codec, random = make_task(config).codec, np.random.default_rng(0)
    pictures = [_picture(config.data, random) for _ in range(COUNT)]
    match codec:
        case TextCodec():
            tokens, separator = codec.alphabet.tokens, codec.alphabet.separator
            labels = [separator.join(random.choice(tokens, TOKENS, replace=False)) for _ in pictures]
            return _write_list(folder, "labels.tsv", "folder", pictures, labels)
        case BoxCodec():
            height, width = pictures[0].shape[:2]
            right, bottom = width // 2, height // 4
            boxes = [f"{number}\t8,8 {right},8 {right},{bottom} 8,{bottom}" for number in range(COUNT)]
            return _write_list(folder, "boxes.tsv", "boxes", pictures, boxes)
        case ClassCodec():
            for number, picture in enumerate(pictures):
                _write(picture, folder / codec.names[number % len(codec.names)] / f"{number}.png")
            return f"classes:{folder}"
        case codec:
            raise ValueError(f"no samples with labels of kind {codec.kind!r} can be made: add them here")


def _picture(data: DataConfig, random: np.random.Generator) -> np.ndarray:
    """Coloured squares, which take little space as PNG."""
    squares = random.integers(0, 256, (8, 8, 3), np.uint8)
    width = data.width or min(USUAL_WIDTH, max(data.buckets, default=USUAL_WIDTH))
    return cv2.resize(squares, (width, data.height), interpolation=cv2.INTER_NEAREST)


def _write_list(folder: Path, name: str, kind: str, pictures: list[np.ndarray], labels: list[str]) -> str:
    """Writes pictures and a file with a line for each, and returns the specification."""
    names = [f"{number}.png" for number in range(len(pictures))]
    for picture, picture_name in zip(pictures, names, strict=True):
        _write(picture, folder / picture_name)
    lines = (f"{picture_name}\t{label}\n" for picture_name, label in zip(names, labels, strict=True))
    (folder / name).write_text("".join(lines), encoding="utf-8")
    return f"{kind}:{folder}"


def _write(picture: np.ndarray, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), picture)
