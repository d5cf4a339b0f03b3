"""Trained models that runs start from: work folders and artifacts (``--config.init_from=WORKDIR|ARTIFACT``)."""

from pathlib import Path

from launch.runs.config import Config, from_json
from launch.runs.exported import load_task, load_variables
from launch.runs.folder import TrainedRun, load_json, load_run
from recog.export.files import CARD, CONFIG, ArtifactError
from recog.export.loading import load_card
from recog.serving.named import artifact_folder


def load_start(name: str) -> TrainedRun:
    """Loads the model of a work folder, or of an artifact, whose files it verifies.

    Args:
      name: a folder that ``launch.train`` or ``launch.export`` wrote, or ``zoo:NAME``.

    Raises:
      FileNotFoundError: the folder holds neither, or no checkpoint.
      ValueError: damaged, or an unknown model of the package.
    """
    try:
        folder = artifact_folder(name)
        if (folder / CARD).is_file():
            return _from_artifact(folder)
        if not (folder / CONFIG).is_file():
            raise FileNotFoundError(
                f"{folder / CONFIG} does not exist: train that run or import its weights first, or name another work "
                "folder, an artifact or zoo:NAME"
            )
        return load_run(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"init_from={name!r}: {error}") from error
    except ArtifactError as error:
        raise ArtifactError(f"init_from={name!r}: {error}") from error


def _from_artifact(folder: Path) -> TrainedRun:
    card = load_card(folder)
    saved = load_json(folder / CONFIG) if (folder / CONFIG).is_file() else None
    if not saved:
        raise ArtifactError(
            f"{folder / CONFIG} is missing or empty, and says what the parameters belong to: name an artifact that "
            "launch.export wrote from a run"
        )
    imported = None if card.step else {"source": card.training_data}
    config = from_json(Config, saved)
    return TrainedRun(config, load_task(folder), load_variables(folder), card.step, card.metrics, imported)
