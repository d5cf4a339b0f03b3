"""Chinese City Parking Dataset: plates in photographs of parked cars, all labels in the file names (Xu et al. 2018).

``025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg`` holds area, tilt, box (left
and top, right and bottom), vertices (from the bottom right clockwise), characters, brightness and blurriness. The
layouts of 2018 and 2019 have a folder for each kind of picture, and lists of files in ``splits``; the layout of 2020
has ``ccpd_green`` (new energy vehicles, 8 characters) with ``train``, ``val`` and ``test``.
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
from datasets.builders.label_lines import load_lines
from datasets.sources import BadSampleError
from datasets.synthetic.scenes import PLATE
from datasets.tfds_source import BOXES, boxes_feature
from recog.codecs import BoxLabel, LabelledBox, boxes_to_json
from recog.folders import left_by_system

PROVINCES = "皖沪津渝冀晋蒙辽吉黑苏浙京闽赣鲁豫鄂湘粤桂琼川贵云藏陕甘青宁新警学"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
CHARACTERS = LETTERS + "0123456789"
"""Characters that file names index, from the tables of the set's README without their final ``O`` (no character)."""

LISTS = {"train": "train.txt", "base": "val.txt", "test": "test.txt"}
"""List in the folder ``splits``, by split: half of the base pictures for training, the other half (Base in the paper's
tables), and all pictures of db, fn, rotate, tilt, challenge and blur together."""
KINDS = ("db", "fn", "rotate", "tilt", "weather", "challenge", "blur")
"""Kinds of pictures with a folder ``ccpd_KIND``; each is a test split."""
GREEN = {"green_train": "train", "green_validation": "val", "green_test": "test"}

BOX, WHOLE = "box", "whole"
"""Configurations besides the first, in which plates are rectified."""

_POINT = r"(-?\d+)&(-?\d+)"
_NAME = re.compile(rf".+-{_POINT}_{_POINT}-{_POINT}_{_POINT}_{_POINT}_{_POINT}-(\d+(?:_\d+)*)-\d+-\d+\.jpe?g", re.I)


class Plate(NamedTuple):
    """Text and position of a plate, as its file name says."""

    text: str
    box: Box
    vertices: Quadrilateral


def parse_name(name: str) -> Plate:
    """Parses a file name.

    Raises:
      ValueError: the name does not have the set's form, or its character indices are outside the tables.
    """
    found = _NAME.fullmatch(name)
    if not found:
        raise ValueError(
            f"invalid file name {name!r}; expected AREA-TILT-BOX-VERTICES-CHARACTERS-BRIGHTNESS-BLURRINESS.jpg"
        )
    left, top, right, bottom, *corners = (int(number) for number in found.groups()[:12])
    bottom_right, bottom_left, top_left, top_right = zip(corners[::2], corners[1::2], strict=True)
    vertices = Quadrilateral(top_left, top_right, bottom_right, bottom_left)
    return Plate(_characters(name, found[13]), Box(left, top, right + 1, bottom + 1), vertices)


def _characters(name: str, indices: str) -> str:
    """Characters of a plate, 7 or (green) 8, from their indices in the three tables."""
    places = [int(index) for index in indices.split("_")]
    tables = [PROVINCES, LETTERS, *[CHARACTERS] * (len(places) - 2)]
    if len(places) not in (7, 8) or any(place >= len(table) for place, table in zip(places, tables, strict=True)):
        raise ValueError(f"{name!r}: {indices} are not the indices of 7 or 8 characters in the set's tables")
    return "".join(table[place] for place, table in zip(places, tables, strict=True))


def list_folder(root: Path, folder: str) -> Iterator[str]:
    """Lists the pictures of a folder in the order of their names, as paths below ``root``."""
    names = (path.name for path in (root / folder).iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    yield from (f"{folder}/{name}" for name in sorted(names) if not left_by_system(Path(name)))


def load_list(root: Path, file: str) -> Iterator[str | BadSampleError]:
    """Loads the paths of a list file such as ``splits/train.txt``."""
    for line in load_lines(root, file):
        yield line if isinstance(line, BadSampleError) else line.text.strip()


def parse_pictures(
    root: Path, paths: Callable[[Path, str], Iterator[str | BadSampleError]], where: str, form: str
) -> Iterator[Entry | BadSampleError]:
    """Parses the file names of a folder or list into entries.

    Args:
      root: folder of the set.
      paths: `list_folder` or `load_list`.
      where: folder or list file, relative to ``root``.
      form: name of a configuration of `Ccpd`.
    """
    for path in paths(root, where):
        if isinstance(path, BadSampleError):
            yield path
            continue
        try:
            plate = parse_name(path.rpartition("/")[2])
            extra: dict[str, Any] = {
                "box": np.array(plate.box, np.int32),
                "vertices": np.array(plate.vertices, np.int32),
            }
        except (ValueError, OverflowError) as error:
            yield BadSampleError(f"{where} ({path})", str(error))
            continue
        if form == WHOLE:
            yield Entry(root / path, plate.text, path, None, extra | {BOXES: boxes_to_json(box_label(plate))})
        else:
            yield Entry(root / path, plate.text, path, plate.box if form == BOX else plate.vertices, extra)


def box_label(plate: Plate) -> BoxLabel:
    """Label of a whole picture; vertices are pixel centres, which are at halves in `LabelledBox.corners`."""
    return BoxLabel((LabelledBox(np.array(plate.vertices, np.float32) + 0.5, PLATE, plate.text),))


def find_splits(source: Path, form: str) -> dict[str, Entries]:
    """Finds the splits in a folder and in its direct subfolders, which may hold the sets of 2019 and 2020 together.

    Without lists, the split ``base`` holds all base pictures. ``form`` is the name of a configuration of `Ccpd`.
    """
    found: dict[str, Entries] = {}
    below = sorted(path for path in source.iterdir() if path.is_dir() and not left_by_system(Path(path.name)))
    for root in [source, *below]:
        lists = next((name for name in ("splits", "split") if (root / name).is_dir()), "splits")
        folders = {"base": "ccpd_base"} | {kind: f"ccpd_{kind}" for kind in KINDS}
        folders |= {split: f"ccpd_green/{name}" for split, name in GREEN.items()}
        for split, folder in folders.items():
            if (root / folder).is_dir():
                found[split] = functools.partial(parse_pictures, root, list_folder, folder, form)
        for split, name in LISTS.items():
            if (root / lists / name).is_file():
                found[split] = functools.partial(parse_pictures, root, load_list, f"{lists}/{name}", form)
    return found


class Ccpd(SetBuilder):
    """Builder of plates cut out of the pictures, or (``whole``) of whole pictures with the plate's corners.

    Splits train, base, test, db, fn, rotate, tilt, weather, challenge, blur, green_train, green_validation and
    green_test, as far as the source has them. Features ``box`` (left, top, right, bottom) and ``vertices`` (clockwise
    from the top left) are pixels of the whole picture. In all names seen the box is the bounding rectangle of the
    vertices, pixels of the edges included; the set's rule (IoU above 0.7) counts against it. Whole pictures are the
    files as published, and have the feature ``boxes``, which makes their labels box labels of the class `PLATE`.
    """

    BUILDER_CONFIGS = [  # noqa: RUF012 (as TFDS declares it)
        tfds.core.BuilderConfig(name="rectified", description="Made upright by the four vertices."),
        tfds.core.BuilderConfig(name=BOX, description="The bounding box, as tilted as the camera saw it."),
        tfds.core.BuilderConfig(name=WHOLE, description="The whole photograph, with the corners of the plate."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack CCPD2019.tar.xz, CCPD2020.zip or both; source is the folder with ccpd_base, or above."
    )
    description = "Plates in photographs of parked cars, Hefei."
    homepage = "https://github.com/detectRecog/CCPD"
    citation = "Xu et al.: Towards End-to-End License Plate Detection and Recognition: A Large Dataset, ECCV 2018"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits that exist below ``source``."""
        found = find_splits(source, str(self.builder_config_name))
        if not found:
            raise FileNotFoundError(
                f"found none of ccpd_base, ccpd_green and splits/train.txt in {source} or in a folder below it"
            )
        return found

    def extra_features(self) -> dict[str, Any]:
        """Features ``box`` and ``vertices``, pixels of the whole picture; ``boxes`` where that is the sample."""
        features = {
            "box": tfds.features.Tensor(shape=(4,), dtype=np.int32),
            "vertices": tfds.features.Tensor(shape=(4, 2), dtype=np.int32),
        }
        return features | ({BOXES: boxes_feature()} if self.builder_config_name == WHOLE else {})
