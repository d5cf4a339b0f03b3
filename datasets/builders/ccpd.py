"""Chinese City Parking Dataset: plates in photographs of parked cars, all labels in the file names (Xu et al. 2018).

``025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg`` is area, tilt, box (left and
top, right and bottom), vertices (from the bottom right clockwise), characters, brightness and blurriness. The layouts
of 2018 and 2019 have a folder for each kind of picture, and lists of files in ``splits``; that of 2020 has
``ccpd_green`` (new energy vehicles, 8 characters) with ``train``, ``val`` and ``test``.
"""

import functools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from datasets.builders.builder import SetBuilder
from datasets.builders.crops import Box, Quadrilateral
from datasets.builders.entries import Entries, Entry
from datasets.builders.label_lines import read_lines
from datasets.sources import BadSampleError

PROVINCES = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CHARACTERS = LETTERS + "0123456789"
"""The tables of the set's README; the ``O`` that ends each of them there means that there is no character."""

LISTS = {"train": "train.txt", "base": "val.txt", "test": "test.txt"}
"""Lists in ``splits``: half of the base pictures to train on, the other half as Base in the paper's tables, and all
pictures of db, fn, rotate, tilt, challenge and blur together."""
KINDS = ("db", "fn", "rotate", "tilt", "weather", "challenge", "blur")
"""Kinds of picture that have a folder, each a test split."""
GREEN = {"green_train": "train", "green_validation": "val", "green_test": "test"}

_POINT = r"(-?\d+)&(-?\d+)"
_NAME = re.compile(rf".+-{_POINT}_{_POINT}-{_POINT}_{_POINT}_{_POINT}_{_POINT}-(\d+(?:_\d+)*)-\d+-\d+\.jpe?g", re.I)


class Plate(NamedTuple):
    """What a file name says."""

    text: str
    box: Box
    vertices: Quadrilateral


def parse_name(name: str) -> Plate:
    """Reads a file name.

    Raises:
      ValueError: it is not of the set's form, or has characters that no plate has.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(f"{name!r} is not AREA-TILT-BOX-VERTICES-CHARACTERS-BRIGHTNESS-BLURRINESS.jpg")
    left, top, right, bottom, *corners = (int(number) for number in found.groups()[:12])
    bottom_right, bottom_left, top_left, top_right = zip(corners[::2], corners[1::2], strict=True)
    vertices = Quadrilateral(top_left, top_right, bottom_right, bottom_left)
    return Plate(_characters(name, found[13]), Box(left, top, right + 1, bottom + 1), vertices)


def _characters(name: str, indices: str) -> str:
    """The plate's characters, 7 or (green) 8, from their places in the three tables."""
    places = [int(index) for index in indices.split("_")]
    tables = [PROVINCES, LETTERS, *[CHARACTERS] * (len(places) - 2)]
    if len(places) not in (7, 8) or any(place >= len(table) for place, table in zip(places, tables, strict=True)):
        raise ValueError(f"{name!r}: {indices} are not the places of 7 or 8 characters in the set's tables")
    return "".join(table[place] for place, table in zip(places, tables, strict=True))


def list_folder(root: Path, folder: str) -> Iterator[str]:
    """The pictures of a folder in the order of their names, as paths below ``root``."""
    names = (path.name for path in (root / folder).iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    yield from (f"{folder}/{name}" for name in sorted(names))


def read_list(root: Path, file: str) -> Iterator[str | BadSampleError]:
    """The paths in a list of ``splits``."""
    for line in read_lines(root, file):
        yield line if isinstance(line, BadSampleError) else line.text.strip()


def entries_of(
    root: Path, paths: Callable[[Path, str], Iterator[str | BadSampleError]], where: str, rectify: bool
) -> Iterator[Entry | BadSampleError]:
    """The plates of some pictures.

    Args:
      root: folder of the set.
      paths: `list_folder` or `read_list`.
      where: the folder or list below ``root``.
      rectify: make the plate upright by its vertices; otherwise cut its box out.
    """
    for path in paths(root, where):
        if isinstance(path, BadSampleError):
            yield path
            continue
        try:
            plate = parse_name(path.rpartition("/")[2])
            extra = {"box": np.array(plate.box, np.int32), "vertices": np.array(plate.vertices, np.int32)}
        except (ValueError, OverflowError) as error:
            yield BadSampleError(f"{where} ({path})", str(error))
            continue
        yield Entry(root / path, plate.text, path, plate.vertices if rectify else plate.box, extra)


def find_splits(source: Path, rectify: bool) -> dict[str, Entries]:
    """The splits in a folder and in those directly below it, so that 2019 and 2020 may lie side by side.

    Without lists, all base pictures are the split ``base``.
    """
    found: dict[str, Entries] = {}
    for root in [source, *sorted(path for path in source.iterdir() if path.is_dir())]:
        lists = next((name for name in ("splits", "split") if (root / name).is_dir()), "splits")
        folders = {"base": "ccpd_base"} | {kind: f"ccpd_{kind}" for kind in KINDS}
        folders |= {split: f"ccpd_green/{name}" for split, name in GREEN.items()}
        for split, folder in folders.items():
            if (root / folder).is_dir():
                found[split] = functools.partial(entries_of, root, list_folder, folder, rectify)
        for split, name in LISTS.items():
            if (root / lists / name).is_file():
                found[split] = functools.partial(entries_of, root, read_list, f"{lists}/{name}", rectify)
    return found


class Ccpd(SetBuilder):
    """Plates cut out of the pictures.

    Splits train, base, test, db, fn, rotate, tilt, weather, challenge, blur, green_train, green_validation and
    green_test, as far as they are there. Features ``box`` (left, top, right, bottom) and ``vertices`` (clockwise from
    the top left) are pixels of the whole picture.
    """

    BUILDER_CONFIGS = [  # noqa: RUF012 (as TFDS declares it)
        tfds.core.BuilderConfig(name="rectified", description="Made upright by the four vertices."),
        tfds.core.BuilderConfig(name="box", description="The bounding box, as tilted as the camera saw it."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack CCPD2019.tar.xz, CCPD2020.zip or both; source is the folder with ccpd_base, or above."
    )
    description = "Plates in photographs of parked cars, Hefei."
    homepage = "https://github.com/detectRecog/CCPD"
    citation = "Xu et al.: Towards End-to-End License Plate Detection and Recognition: A Large Dataset, ECCV 2018"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Those that are there."""
        found = find_splits(source, rectify=self.builder_config_name == "rectified")
        if not found:
            raise FileNotFoundError(
                f"neither {source} nor a folder in it holds ccpd_base, ccpd_green or splits/train.txt"
            )
        return found

    def extra_features(self) -> dict[str, Any]:
        """Where the plate is in the whole picture."""
        return {
            "box": tfds.features.Tensor(shape=(4,), dtype=np.int32),
            "vertices": tfds.features.Tensor(shape=(4, 2), dtype=np.int32),
        }
