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
from recog.training.checkpoints import Checkpoints, Saved, abstract, damage


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


def refuse_other_run(workdir: Path, identity: Identity, *, longer: bool = True) -> None:
    """Raises `OtherRunError`, with the differences, if the folder holds a run with other documents.

    Args:
      workdir: the run's folder.
      identity: documents of the run that is to be trained in it.
      longer: whether a run of more steps may go on from it, if its first steps are the same (`_continues`).
    """
    if not any(
        (workdir / "checkpoints").glob("*/[0-9]*")
    ):  # a run that failed before its first checkpoint may be replaced
        return
    lines = []
    for name, ours in identity.items():
        theirs = _saved(workdir, name, ours)
        if theirs is not None:
            lines += [line for line in differences(ours, theirs, name) if not line.startswith(FREE)]
    length = [line for line in lines if line.startswith("config.train.steps:")]
    if not lines or (longer and lines == length and _continues(workdir, identity)):
        return
    listed, more = "\n  ".join(lines), ""
    if lines == length:
        more = (
            "\nThe number of steps shapes the learning rate from the first step on. To train on from the parameters of "
            f"this run, add --config.init_from={workdir} and choose a new --workdir."
        )
    raise OtherRunError(
        f"{workdir} holds a run that differs:\n  {listed}\n"
        f"Choose a new --workdir, or restore these settings to resume the run.{more}"
    )


def _continues(workdir: Path, identity: Identity) -> bool:
    """Whether a run that differs in its length alone begins with the steps of the run in the folder."""
    ours, theirs = (from_json(Config, saved) for saved in (identity["config"], load_json(workdir / "config.json")))
    if ours.optimizer.schedule != "constant" or ours.train.steps < theirs.train.steps:
        return False
    # Each run is evaluated after its last step, which changes the state of some tasks.
    every = theirs.train.evaluate_every
    return (every > 0 and theirs.train.steps % every == 0) or not make_task(ours).learns_from_validation


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
    adapted_to: str = ""
    """Source of the pictures whose batch statistics the model has (``launch.adapt``); empty for those of training."""


def load_run(workdir: str | Path) -> TrainedRun:
    """Loads the best checkpoint of a work folder, or the newest if none was evaluated or the best is damaged.

    Raises:
      FileNotFoundError: no run, or no checkpoint.
      ValueError: the configuration or all checkpoints are damaged.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: --workdir is the folder that launch.train wrote")
    config, damaged = from_json(Config, load_json(path)), []
    with Checkpoints(workdir, writes=False) as checkpoints:
        for saved in checkpoints.for_use():
            try:
                run = _load(config, saved)
            except Exception as error:
                if not saved.folder.exists():  # replaced by a better one of a run in progress
                    return load_run(workdir)
                if (found := damage(error)) is None:
                    raise
                damaged.append(f"{saved.folder}: {found}")
                continue
            for one in damaged:
                print(f"damaged checkpoint ({one}): uses that of step {saved.step}, {saved.folder}", flush=True)
            return run
    listed = "\n  ".join(damaged)
    raise ValueError(
        f"the checkpoints below {Path(workdir) / 'checkpoints'} are damaged or of another version:\n  {listed}\n"
        "Copy them again, or train again in another folder."
    )


def _load(config: Config, saved: Saved) -> TrainedRun:
    # The codec of the checkpoint, because the file of a configured alphabet may have changed or been deleted.
    task = make_task(config, _codec_of(saved.card(), config))
    restored = saved.restore(abstract(abstract_state(config, task), replicated(make_mesh())))
    variables, card = jax.device_get(restored.state.averaged), restored.card
    adapted_to = card.get("adapted", {}).get("data", "")
    return TrainedRun(config, task, variables, restored.step, card["metrics"], card.get("imported"), adapted_to)


def _codec_of(card: dict[str, Any], config: Config) -> Codec:
    """Codec in the card of a checkpoint; earlier versions saved its alphabet instead."""
    if "codec" in card:
        return codec_from_json(card["codec"])
    return text_codec(config, Alphabet.from_dict(card["alphabet"]))
