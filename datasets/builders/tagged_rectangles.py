"""Parser of the XML of SVT and ICDAR 2003: words in upright boxes in the pictures of a ``tagset``."""

from collections.abc import Iterator
from math import ceil, floor
from pathlib import Path
from xml.etree import ElementTree

from datasets.builders.crops import Box
from datasets.builders.entries import Entry
from datasets.sources import BadSampleError


def load_xml(root: Path, file: str) -> ElementTree.Element:
    """Loads an XML file and returns its root element.

    Raises:
      ValueError: the file is not well-formed XML.
    """
    try:
        return ElementTree.parse(root / file).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{root / file} is not well-formed XML: {error}") from error


def parse_tagset(root: Path, file: str, *, lexicon: bool = False) -> Iterator[Entry | BadSampleError]:
    """Parses the words of a ``tagset``; its picture paths are relative to the folder of the XML file.

    Args:
      root: folder of the set.
      file: the XML file, relative to ``root``.
      lexicon: whether each picture has a lexicon (a ``lex`` element), shared by its words.

    Raises:
      ValueError: the file is not well-formed XML.
    """
    for picture, image in enumerate(load_xml(root, file).iter("image"), 1):
        path = image.findtext("imageName", "").strip()
        words = [word.strip() for word in image.findtext("lex", "").split(",") if word.strip()]
        extra = {"lexicon_50": words} if lexicon else {}
        for number, rectangle in enumerate(image.iter("taggedRectangle"), 1):
            origin = f"{file}: image {picture} ({path}), word {number}"
            try:
                text = rectangle.findtext("tag", "").strip()
                yield Entry((root / file).parent / path, text, origin, _box(rectangle), extra)
            except (KeyError, ValueError, OverflowError) as error:
                yield BadSampleError(origin, f"expected a rectangle with numbers x, y, width and height: {error}")


def _box(rectangle: ElementTree.Element) -> Box:
    x, y, width, height = (float(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
    return Box(floor(x), floor(y), ceil(x + width), ceil(y + height))
