"""Small folders of labelled pictures, and sources of labels alone."""

from pathlib import Path

import cv2
import numpy as np

from datasets.sources import Sample


class Texts:
    """A source of labels; every picture is a small gray one."""

    def __init__(self, *texts: str):
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Sample:
        return Sample(np.full((8, 8, 3), 128, np.uint8), self.texts[index], self.origin(index))

    def origin(self, index: int) -> str:
        return f"text {index}"


def write_folder(folder: Path, *texts: str) -> Path:
    """Pictures ``0.png``, ``1.png``... of different grays; the text ``broken`` stands for an empty file."""
    folder.mkdir()
    for number, text in enumerate(texts):
        picture = cv2.imencode(".png", np.full((20, 60, 3), 3 * number, np.uint8))[1].tobytes()
        (folder / f"{number}.png").write_bytes(b"" if text == "broken" else picture)
    lines = [f"{number}.png\t{text}\n" for number, text in enumerate(texts)]
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
    return folder


def load(path: Path) -> np.ndarray:
    """Pixels of a picture file."""
    picture = cv2.imread(str(path))
    assert picture is not None
    return picture


def write_boxes(folder: Path) -> Path:
    """Three different pictures of 60 by 40 pixels, with two plates, one, and none, in ``boxes.tsv``."""
    folder.mkdir()
    for number in range(3):
        picture = cv2.imencode(".png", np.random.default_rng(number).integers(0, 90, (40, 60, 3), np.uint8))[
            1
        ].tobytes()
        (folder / f"{number}.png").write_bytes(picture)
    rows = [
        "0.png\t京A1\t5,5 25,5 25,12 5,12",
        "0.png\t\t30,20 50,22 50,30 30,28",
        "1.png\t京B2\t5,5 45,5 45,15 5,15",
        "2.png",
    ]
    (folder / "boxes.tsv").write_text("\n".join(rows), encoding="utf-8")
    return folder


def write_dark_and_bright(folder: Path, count: int) -> None:
    """Writes dark and bright pictures of 16x16 pixels in turn, and what they are called."""
    random, lines = np.random.default_rng(0), []
    for index in range(count):
        name = ("dark", "bright")[index % 2]
        image = random.integers(0, 60, (16, 16, 3)) + 160 * (name == "bright")
        cv2.imwrite(str(folder / f"{index}.png"), image.astype(np.uint8))
        lines.append(f"{index}.png\t{name}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")
