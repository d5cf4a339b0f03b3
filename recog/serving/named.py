"""Artifacts by name: folders, and models that come with the package."""

import difflib
from pathlib import Path

from recog.export.files import CARD, ArtifactError, sha256
from recog.zoo import FOLDER, load_index

ZOO = "zoo:"
"""Beginning of the names of models that come with the package."""


def artifact_folder(name: str | Path) -> Path:
    """Folder of an artifact.

    Example::

      artifact = Artifact.load(artifact_folder("zoo:arithmetic"))

    Args:
      name: a folder, or ``zoo:NAME`` for a model that comes with the package (`recog.zoo`).

    Raises:
      ArtifactError: no model has this name, or its card is not the one that came with the package; the error lists the
        names. `recog.export.artifact.Artifact.load` verifies the other files by the card.
    """
    index, chosen = load_index(), str(name).removeprefix(ZOO)
    if not str(name).startswith(ZOO):
        if chosen in index and not Path(name).exists():
            raise ArtifactError(f"there is no folder {name}: did you mean {ZOO}{name}?")
        return Path(name)
    if chosen not in index:
        near = difflib.get_close_matches(chosen, index, 1)
        meant = f"did you mean {ZOO}{near[0]}? " if near else ""
        raise ArtifactError(f"unknown model {name}: {meant}there are {', '.join(ZOO + one for one in index)}")
    folder = FOLDER / chosen
    if not (folder / CARD).is_file() or sha256(folder / CARD) != index[chosen].card_sha256:
        raise ArtifactError(f"{folder / CARD} is missing or has been changed: install recog again")
    return folder
