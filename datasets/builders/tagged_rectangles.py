"""The XML that SVT and ICDAR 2003 mark words with: upright boxes in the pictures of a ``tagset``."""

from collections.abc import Iterator
from math import ceil, floor
from pathlib import Path
from xml.etree import ElementTree

from datasets.builders.crops import Box
from datasets.builders.entries import Entry
from datasets.sources import BadSampleError


def read_xml(root: Path, file: str) -> ElementTree.Element:
    """The root element of a file.

    Raises:
      ValueError: it is not well formed.
    """
    try:
        return ElementTree.parse(root / file).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{root / file} is no well-formed XML: {error}") from error


def parse_tagset(root: Path, file: str, *, lexicon: bool = False) -> Iterator[Entry | BadSampleError]:
    """The words of a ``tagset``; the picture paths in it start at its own folder.

    Args:
      root: folder of the set.
      file: the XML file in it.
      lexicon: whether pictures have one (a ``lex`` element); all words of a picture share it.

    Raises:
      ValueError: the file is not well formed.
    """
    for picture, image in enumerate(read_xml(root, file).iter("image"), 1):
        path = image.findtext("imageName", "").strip()
        words = [word.strip() for word in image.findtext("lex", "").split(",") if word.strip()]
        extra = {"lexicon_50": words} if lexicon else {}
        for number, rectangle in enumerate(image.iter("taggedRectangle"), 1):
            origin = f"{file}: image {picture} ({path}), word {number}"
            try:
                text = rectangle.findtext("tag", "").strip()
                yield Entry((root / file).parent / path, text, origin, _box(rectangle), extra)
            except (KeyError, ValueError, OverflowError) as error:
                yield BadSampleError(origin, f"a rectangle needs numbers for x, y, width and height: {error}")


def _box(rectangle: ElementTree.Element) -> Box:
    x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
    return Box(floor(x), floor(y), ceil(x + width), ceil(y + height))
