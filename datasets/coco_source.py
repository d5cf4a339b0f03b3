"""Pictures with boxes in COCO's JSON: ``images``, ``annotations`` and ``categories``."""

import json
from array import array
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from datasets.label_files import find_picture
from datasets.quadrilaterals import is_clockwise, outline, rectangle
from datasets.sources import BadSampleError, Sample, load_picture
from recog.codecs import BoxLabel, LabelledBox
from recog.images import UnreadableImageError
from recog.picture_size import picture_size

KEYS = {
    "images": ("id", "file_name"),
    "annotations": ("image_id", "category_id", "bbox"),
    "categories": ("id", "name"),
}
"""Keys that are needed in each list of the file."""


class Coco:
    """Pictures of a COCO file in their order; files are relative to its folder or to ``images``.

    A box is ``bbox``, ``[x, y, width, height]`` in pixels of the upright picture; an annotation whose ``segmentation``
    is one polygon of four points has these as its corners, ordered by `datasets.quadrilaterals.outline`. Crowds
    (``iscrowd``) are left out.

    Raises:
      FileNotFoundError: the file does not exist.
      ValueError: not JSON in this form, a key is missing, or an id is unknown or occurs twice.
    """

    def __init__(self, file: str | Path, images: str | Path | None = None):
        self.file = Path(file)
        self._folder = Path(images) if images else self.file.parent
        content = _load(self.file)
        self._names = {category["id"]: str(category["name"]) for category in content["categories"]}
        pictures, places = content["images"], {image["id"]: place for place, image in enumerate(content["images"])}
        self._files = [str(image["file_name"]) for image in pictures]
        self._sizes = [(image.get("height"), image.get("width")) for image in pictures]
        kept = [annotation for annotation in content["annotations"] if not annotation.get("iscrowd")]
        self.crowds = len(content["annotations"]) - len(kept)
        """Number of annotations of crowds, which are left out."""
        # Each worker process has a copy of all boxes, so they are kept in a few compact objects.
        self._corners, self._categories = np.zeros((len(kept), 4, 2), np.float32), array("q")
        self._boxes: list[array] = [array("q") for _ in pictures]
        self._problems: dict[int, str] = {}
        for number, annotation in enumerate(kept):
            place = places[annotation["image_id"]]
            self._boxes[place].append(number)
            self._categories.append(annotation["category_id"])
            try:
                self._corners[number] = _parse_corners(annotation)
            except ValueError as error:
                self._problems.setdefault(place, f"annotation {annotation.get('id', 'without id')} {error}")

    def __len__(self) -> int:
        return len(self._files)

    def __getitem__(self, index: int) -> Sample:
        origin = self.origin(index)
        if index in self._problems:
            raise BadSampleError(origin, self._problems[index])
        image = load_picture(find_picture(self._folder, self._files[index]), origin)
        if None not in self._sizes[index]:
            self._refuse_other_size(image, index)
        boxes = [LabelledBox(self._corners[n], self._names[self._categories[n]]) for n in self._boxes[index]]
        return Sample(image, BoxLabel(tuple(boxes)), origin)

    def origin(self, index: int) -> str:
        """The file, and the picture's path."""
        return f"{self.file} ({self._files[index]})"

    def key(self, index: int) -> bytes:
        """Path of the picture, in UTF-8."""
        return self._files[index].encode(errors="surrogatepass")

    def _refuse_other_size(self, image: bytes, index: int) -> None:
        try:
            height, width = picture_size(image)
        except UnreadableImageError as error:
            raise BadSampleError(self.origin(index), str(error)) from error
        if (height, width) != self._sizes[index]:
            other_height, other_width = self._sizes[index]
            reason = (
                f"the picture has {width}x{height} pixels (turned by its Exif orientation), the file says "
                f"{other_width}x{other_height}: its boxes belong to another version of the picture"
            )
            raise BadSampleError(self.origin(index), reason)


def _parse_corners(annotation: Mapping[str, Any]) -> Float32[np.ndarray, "4 2"]:
    """Corners of an annotation; raises ``ValueError``."""
    try:
        box = np.array(annotation["bbox"], float)
    except (TypeError, ValueError):
        box = np.array([])
    if box.shape != (4,) or not np.isfinite(box).all():
        raise ValueError(f"has bbox={annotation['bbox']!r}: write four numbers, [x, y, width, height]")
    if (box[2:] <= 0).any():
        raise ValueError(f"has bbox={annotation['bbox']!r} without area: correct or remove it")
    polygons = annotation.get("segmentation")
    if isinstance(polygons, list) and len(polygons) == 1 and isinstance(polygons[0], list) and len(polygons[0]) == 8:
        try:
            points = np.array(polygons[0], float).reshape(4, 2)
        except (TypeError, ValueError):
            points = np.full((4, 2), np.nan)
        if not np.isfinite(points).all():
            raise ValueError(f"has segmentation={polygons!r}: write numbers, [[x1, y1, x2, y2, ...]]")
        if is_clockwise(corners := outline(points)):
            return corners
    return rectangle(*box)


def _load(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Loads the three lists, and checks their keys and ids."""
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: name a JSON file in COCO's form")
    try:
        content = json.loads(file.read_bytes().decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{file} is not JSON in UTF-8: {error}") from error
    if not isinstance(content, dict) or not all(isinstance(content.get(name), list) for name in KEYS):
        raise ValueError(f"{file} is not in COCO's form: expected an object with the lists {', '.join(KEYS)}")
    for name, keys in KEYS.items():
        for number, entry in enumerate(content[name]):
            if lacking := [key for key in keys if not isinstance(entry, dict) or key not in entry]:
                raise ValueError(f"{file}: {name}[{number}] lacks {', '.join(lacking)}: add what is missing")
    images, annotations, categories = (content[name] for name in KEYS)
    _refuse_unknown(file, "image", annotations, _ids(file, "images", images))
    _refuse_unknown(file, "category", annotations, _ids(file, "categories", categories))
    _ids(file, "annotations", [annotation for annotation in annotations if "id" in annotation])
    return content


def _ids(file: Path, name: str, entries: list[dict[str, Any]]) -> set[int]:
    """Ids of a list's entries; raises ``ValueError`` if one is not a whole number or occurs twice."""
    found: set[int] = set()
    for entry in entries:
        if not isinstance(entry["id"], int):
            raise ValueError(f"{file}: {name} hold the id {entry['id']!r}: use whole numbers")
        if entry["id"] in found:
            raise ValueError(f"{file}: the id {entry['id']} occurs twice among the {name}: give each its own")
        found.add(entry["id"])
    return found


def _refuse_unknown(file: Path, name: str, annotations: list[dict[str, Any]], known: set[int]) -> None:
    """Raises ``ValueError`` for an annotation of an image or a category that is not listed."""
    key = f"{name}_id"
    for number, annotation in enumerate(annotations):
        if not isinstance(annotation[key], int) or annotation[key] not in known:
            raise ValueError(
                f"{file}: annotations[{number}] has {key}={annotation[key]!r}, which is not listed: "
                f"add the {name} or remove the annotation"
            )
