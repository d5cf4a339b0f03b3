"""Models that come with the package: ``zoo:NAME`` names one wherever an artifact is asked for.

Each is a folder that ``launch.export`` wrote. ``index.json`` says what it reads and how well, what it was trained on,
under which licence it may be used, and how it is rebuilt; with the digest of its card, which has those of its files.
"""

import dataclasses
import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
"""Folder of the models."""
INDEX = FOLDER / "index.json"


@dataclasses.dataclass(frozen=True)
class Measurement:
    """Rates of a model on labelled samples."""

    samples: str
    """Description of the samples."""
    command: str
    """Command that measures them."""
    rates: dict[str, float]
    """Report of the command, without its speed."""
    headline: str
    """Name of the rate that tells most."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Facts about a model."""

    title: str
    """Description in a few words."""
    data: str
    """Samples that it was trained on."""
    drawn_with: str
    """Fonts and words of rendered samples."""
    licence: str
    """Licence of the model, as an SPDX expression."""
    rebuild: str
    """Command that rebuilds it."""
    measured: tuple[Measurement, ...]
    failures: str
    """Known failures."""
    card_sha256: str
    """Digest of its ``card.json``."""


def load_index(path: Path = INDEX) -> dict[str, Entry]:
    """Loads the entries by the names of their models."""
    saved: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
    return {name: _entry(**fields) for name, fields in saved.items()}


def save_index(entries: dict[str, Entry], path: Path = INDEX) -> None:
    """Saves the entries, sorted by name."""
    saved = {name: dataclasses.asdict(entries[name]) for name in sorted(entries)}
    path.write_text(json.dumps(saved, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _entry(measured: list[dict[str, Any]], **fields: str) -> Entry:
    return Entry(measured=tuple(Measurement(**one) for one in measured), **fields)
