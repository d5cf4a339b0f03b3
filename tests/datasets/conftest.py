"""Folders of pictures to read."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.sources import Folder

Picture = np.ndarray | bytes | None
"""RGB or grayscale pixels, the content of a file, or no file at all."""


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[[Sequence[tuple[Picture, str]]], Folder]:
    """Writes pictures and their texts to a folder, sample 0 on line 1; the file of sample ``i`` is ``i.png``."""

    def make(samples: Sequence[tuple[Picture, str]]) -> Folder:
        for number, (picture, _) in enumerate(samples):
            if picture is not None:
                content = picture if isinstance(picture, bytes) else png(picture)
                (tmp_path / f"{number}.png").write_bytes(content)
        lines = [f"{number}.png\t{text}\n" for number, (_, text) in enumerate(samples)]
        (tmp_path / "labels.tsv").write_text("".join(lines), encoding="utf-8", newline="")
        return Folder(tmp_path)

    return make


def png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture if picture.ndim == 2 else picture[..., ::-1])[1].tobytes()
