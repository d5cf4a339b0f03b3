"""PrIMuS and Camera-PrIMuS: 87,678 incipits of music as engraved staves (Calvo-Zaragoza and Rizo 2018).

Each incipit has a folder, ``000051652-1_1_1/000051652-1_1_1.png`` with ``.semantic`` (meaning: ``clef-G2``,
``note-C4_quarter``) and ``.agnostic`` (graphics: ``clef.G-L2``, ``note.quarter-L-1``) beside it, tokens between tabs;
in Camera-PrIMuS also ``_distorted.jpg``, as a camera would see it.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

import tensorflow_datasets as tfds

from datasets.builders.builder import SetBuilder
from datasets.builders.entries import Entries, Entry
from datasets.sources import BadSampleError

PICTURES = {"train": ".png", "distorted": "_distorted.jpg"}
"""End of the picture's file name, by split; the set does not define a test split."""


def parse_incipits(source: Path, encoding: str, ending: str) -> Iterator[Entry | BadSampleError]:
    """Parses the incipits below a folder, in the order of their paths; labels have one space between tokens.

    Args:
      source: the folder.
      encoding: ``semantic`` or ``agnostic``.
      ending: end of the picture's file name; incipits without such a picture are malformed.
    """
    for labels in sorted(path for path in source.rglob(f"*.{encoding}") if not path.name.startswith(".")):
        origin = str(labels.relative_to(source))
        try:
            text = " ".join(labels.read_text(encoding="utf-8").split())
            yield Entry(labels.with_name(labels.stem + ending), text, origin)
        except OSError as error:
            yield BadSampleError(origin, f"cannot be read: {error.strerror or error}")
        except UnicodeDecodeError:
            yield BadSampleError(origin, "the file is not UTF-8: save it as UTF-8")


class Primus(SetBuilder):
    """Builder of the splits train and (Camera-PrIMuS) distorted; configurations semantic and agnostic."""

    BUILDER_CONFIGS = [  # noqa: RUF012 (as TFDS declares it)
        tfds.core.BuilderConfig(name="semantic", description="Tokens of musical meaning."),
        tfds.core.BuilderConfig(name="agnostic", description="Tokens of graphical signs and their height."),
    ]
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Unpack primusCalvoRizo.tgz or CameraPrIMuS.tgz; source is the folder above the incipits."
    )
    description = "87,678 incipits of music as engraved staves."
    homepage = "https://grfia.dlsi.ua.es/primus/"
    citation = "Calvo-Zaragoza and Rizo: End-to-End Neural Optical Music Recognition of Monophonic Scores, 2018"

    def splits(self, source: Path) -> dict[str, Entries]:
        """Returns the splits that have at least one picture."""
        found = {
            split: functools.partial(parse_incipits, source, str(self.builder_config_name), ending)
            for split, ending in PICTURES.items()
            if any(True for _ in source.rglob(f"*{ending}"))
        }
        if not found:
            raise FileNotFoundError(
                f"found no incipits (NAME/NAME.png and NAME/NAME.{self.builder_config_name}) below {source}"
            )
        return found
