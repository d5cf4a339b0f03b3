"""Work folders: JSON documents beside the checkpoints, and loading of trained runs."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import jax

from launch.runs import distributed
from launch.runs.codecs import text_codec
from launch.runs.config import Config, differences, from_json, to_json
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.alphabet import Alphabet
from recog.codecs import Codec, codec_from_json
from recog.mesh import make_mesh, replicated
from recog.tasks.task import Task, Variables
from recog.training.checkpoints import Checkpoints, abstract


class OtherRunError(ValueError):
    """The work folder holds a run with another configuration, alphabet or data."""


Identity = dict[str, Any]
"""Identity of a run: JSON documents by their names in the work folder, ``config`` and others."""

FREE = (
    "config.mesh.",
    "config.model.recurrent.implementation:",
    "config.data.workers:",
    "config.data.cache_mb:",
    "config.train.log_every:",
    "config.train.checkpoint_every:",
)
"""Prefixes of the differences that do not prevent resuming, because the settings do not affect training results."""


def refuse_other_run(workdir: Path, identity: Identity) -> None:
    """Raises `OtherRunError`, with the differences, if the folder holds a run with other documents."""
    if not any(
        (workdir / "checkpoints").glob("*/[0-9]*")
    ):  # a run that failed before its first checkpoint may be replaced
        return
    lines = []
    for name, ours in identity.items():
        theirs = _saved(workdir, name, ours)
        if theirs is not None:
            lines += [line for line in differences(ours, theirs, name) if not line.startswith(FREE)]
    if lines:
        listed = "\n  ".join(lines)
        raise OtherRunError(
            f"{workdir} holds a run that differs:\n  {listed}\n"
            "Choose a new --workdir, or restore these settings to resume the run."
        )


def _saved(workdir: Path, name: str, ours: Any) -> Any:
    """Loads a document of the folder in the form of this version; None if it is missing.

    Versions before codecs saved ``alphabet.json`` alone; the codec's other settings are part of the configuration.
    """
    path, before_codecs = workdir / f"{name}.json", workdir / "alphabet.json"
    if name == "codec" and not path.exists() and before_codecs.exists():
        return {**ours, "alphabet": load_json(before_codecs)}
    if not path.exists():
        return None
    saved = load_json(path)
    match name:  # adds fields of this version
        case "config":
            return to_json(from_json(Config, saved))
        case "codec":
            return codec_from_json(saved).to_json()
        case _:
            return saved


def steps_done(workdir: Path) -> int:
    """Step of the newest checkpoint, from which the run resumes; 0 if there is none."""
    if not (workdir / "checkpoints").is_dir():
        return 0
    with Checkpoints(workdir, writes=False) as checkpoints:
        return checkpoints.latest_step() or 0


def claim(workdir: Path, identity: Identity) -> None:
    """Writes the documents of a run that has passed all checks, so that a refused run leaves no files.

    Raises:
      OtherRunError: the folder holds another run.
    """
    refuse_other_run(workdir, identity)
    workdir.mkdir(parents=True, exist_ok=True)
    for name, document in identity.items():
        temporary = workdir / f"{name}.tmp"
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.rename(workdir / f"{name}.json")


def claim_together(workdir: Path, identity: Identity) -> None:
    """Writes the documents of a run from process 0, after all processes have agreed on them.

    Raises:
      OtherRunError: the folder holds another run.
      ValueError: the processes differ.
      FileNotFoundError: a process does not see the folder.
    """
    distributed.agree(identity)
    if distributed.first():
        claim(workdir, identity)
    distributed.wait_for_all("claimed")
    if not (workdir / "config.json").exists():
        raise FileNotFoundError(
            f"--workdir={workdir} is not the folder that process 0 sees: name one on a file system that all share"
        )


def load_json(path: Path) -> Any:
    """Loads a document of a work folder; raises ``ValueError``, naming the file, if it is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): copy the work folder again") from error


class TrainedRun(NamedTuple):
    """Task of a run with its trained variables."""

    config: Config
    task: Task
    variables: Variables
    """Variables on the host."""
    step: int
    """Number of batches trained on; 0 for imported weights."""
    metrics: dict[str, float]
    """Rates on the validation samples at that step; may be empty."""
    imported: dict[str, str] | None = None
    """For imported weights, ``source``, ``weights`` (name of the file) and its ``sha256``; otherwise None."""


def load_run(workdir: str | Path) -> TrainedRun:
    """Loads the best checkpoint of a work folder, or the newest if none was evaluated.

    Raises:
      FileNotFoundError: no run, or no checkpoint.
      ValueError: a file is damaged.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: --workdir is the folder that launch.train wrote")
    config = from_json(Config, load_json(path))
    with Checkpoints(workdir, writes=False) as checkpoints:
        card = checkpoints.card_for_use()
        # The codec of the checkpoint, because the file of a configured alphabet may have changed or been deleted.
        task = make_task(config, _codec_of(card, config))
        state = abstract(abstract_state(config, task), replicated(make_mesh()))
        try:
            restored = checkpoints.restore_for_use(state)
        except (ValueError, OSError) as error:
            if checkpoints.replaced():  # by a run in progress
                return load_run(workdir)
            first = str(error).strip().partition("\n")[0][:200]
            raise ValueError(
                f"the checkpoint below {Path(workdir) / 'checkpoints'} is damaged or of another version ({first}): "
                "copy it again, or remove it to use an earlier one"
            ) from error
    variables = jax.device_get(restored.state.variables)
    return TrainedRun(config, task, variables, restored.step, restored.card["metrics"], restored.card.get("imported"))


def _codec_of(card: dict[str, Any], config: Config) -> Codec:
    """Codec in the card of a checkpoint; earlier versions saved its alphabet instead."""
    if "codec" in card:
        return codec_from_json(card["codec"])
    return text_codec(config, Alphabet.from_dict(card["alphabet"]))
