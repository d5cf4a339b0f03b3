"""Pictures with boxes in the layout of Ultralytics: ``images/a.jpg`` beside ``labels/a.txt``.

Each line of a label file is ``class x y width height``, the box's centre and size, or ``class x1 y1 ... x4 y4``, a
polygon (as of oriented boxes), all as shares of the upright picture's width and height. A picture without a label file
has no objects.
"""

from pathlib import Path

import numpy as np
from jaxtyping import Float32

from datasets.class_layout import SUFFIXES
from datasets.class_names import load_class_names
from datasets.quadrilaterals import is_clockwise, outline, rectangle
from datasets.sources import BadSampleError, Sample, load_picture
from recog.codecs import BoxLabel, LabelledBox
from recog.images import UnreadableImageError
from recog.picture_size import picture_size
from recog.unknown_tokens import shortened

FORM = "class x y width height"
BEYOND = 1.0
"""Maximum distance of a coordinate from the picture as a share of its size; larger ones are probably pixels."""


class Yolo:
    """Pictures below ``images`` of a set, sorted by path, with the boxes of the files below ``labels``.

    A split is a subfolder of both, ``images/train``, or the folder above both, ``train/images``. Class names are those
    of `load_class_names`. Corners of polygons are ordered by `datasets.quadrilaterals.outline`; polygons of other than
    four points are replaced by the upright rectangle around them.

    Raises:
      FileNotFoundError: the folder does not exist, holds no pictures, or does not name its classes.
      ValueError: the class names are malformed.
    """

    def __init__(self, folder: str | Path, split: str = ""):
        self.folder = Path(folder)
        self._images, self._labels = _folders(self.folder, split)
        files = (path for path in self._images.rglob("*") if path.suffix.lower() in SUFFIXES)
        self._paths = sorted(path.relative_to(self._images).as_posix() for path in files if path.name[0] != ".")
        if not self._paths:
            raise FileNotFoundError(f"{self._images} holds no pictures; expected files that end in {SUFFIXES}")
        self.names = load_class_names(self.folder)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        origin = self.origin(index)
        image = load_picture(self._images / self._paths[index], origin)
        file = (self._labels / self._paths[index]).with_suffix(".txt")
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except FileNotFoundError:
            return Sample(image, BoxLabel(()), origin)
        except (OSError, UnicodeDecodeError) as error:
            raise BadSampleError(origin, f"{file} cannot be read: {error}") from error
        try:
            height, width = picture_size(image)
        except UnreadableImageError as error:
            raise BadSampleError(origin, str(error)) from error
        size, boxes = np.array([width, height], np.float32), []
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    boxes.append(self._parse(line, size))
                except ValueError as error:
                    raise BadSampleError(f"{file}:{number}", str(error)) from error
        return Sample(image, BoxLabel(tuple(boxes)), origin)

    def origin(self, index: int) -> str:
        """Path of the picture; bytes that are not UTF-8 are escaped."""
        return str(self._images / self._paths[index]).encode(errors="backslashreplace").decode()

    def key(self, index: int) -> bytes:
        """Path of the picture below ``images``, in UTF-8."""
        return self._paths[index].encode(errors="surrogateescape")

    def _parse(self, line: str, size: Float32[np.ndarray, " 2"]) -> LabelledBox:
        """Parses a line about a picture of this width and height; raises ``ValueError``."""
        class_, *shares = line.split()
        try:
            number, values = float(class_), np.array([float(share) for share in shares])
        except ValueError:
            raise ValueError(f"{shortened(line)} does not consist of numbers: write {FORM}") from None
        if number not in range(len(self.names)):  # some tools write 0.0
            raise ValueError(f"class {class_} has no name: expected 0 to {len(self.names) - 1}, or name more classes")
        if not (len(values) == 4 or (len(values) >= 6 and len(values) % 2 == 0)):
            raise ValueError(f"{len(values)} numbers after the class are neither a box nor a polygon: write {FORM}")
        points = values.reshape(-1, 2)
        if not (np.isfinite(points).all() and points.min() >= -BEYOND and points.max() <= 1 + BEYOND):
            raise ValueError(f"{shortened(line)} does not hold shares of the picture: divide pixels by its size")
        points = points * size
        corners = rectangle(*(points[0] - points[1] / 2), *points[1]) if len(points) == 2 else outline(points)
        if not is_clockwise(corners):
            raise ValueError(f"{shortened(line)} encloses no area: correct the line or remove it")
        return LabelledBox(corners, self.names[int(number)])


def _folders(folder: Path, split: str) -> tuple[Path, Path]:
    """Folders of the pictures and of the labels."""
    for images, labels in (
        (Path("images", split), Path("labels", split)),
        (Path(split, "images"), Path(split, "labels")),
    ):
        if (folder / images).is_dir():
            return folder / images, folder / labels
    raise FileNotFoundError(_missing(folder, split))


def _missing(folder: Path, split: str) -> str:
    images = folder / "images" / split if split else folder / "images"
    splits = sorted(
        {path.name for path in folder.glob("images/*/")} | {x.parent.name for x in folder.glob("*/images/")}
    )
    named = f"; name a split: {' or '.join(f'yolo:{folder}:{name}' for name in splits[:3])}" if splits else ""
    return f"{images} does not exist: a YOLO set holds images/ and labels/{named}"
