"""Work folders: the documents beside the checkpoints, and trained runs loaded from them."""

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
"""All that makes a run this run: JSON documents by their names in the work folder, ``config`` and others."""

FREE = (
    "config.mesh.",
    "config.model.recurrent.implementation:",
    "config.data.workers:",
    "config.data.cache_mb:",
    "config.train.log_every:",
    "config.train.checkpoint_every:",
)
"""Settings with which a run may go on that has had others: none of them changes what it learns."""


def refuse_other_run(workdir: Path, identity: Identity) -> None:
    """Raises `OtherRunError` when the folder holds a run that differs in one of these documents; says where."""
    if not any((workdir / "checkpoints").glob("*/[0-9]*")):  # a run that failed before it had anything to lose
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
            "Choose a new --workdir, or give the run what it had to resume it."
        )


def _saved(workdir: Path, name: str, ours: Any) -> Any:
    """A document of the folder, brought to this version's form; None where it is not there."""
    path, before_codecs = workdir / f"{name}.json", workdir / "alphabet.json"
    if name == "codec" and not path.exists() and before_codecs.exists():
        return {**ours, "alphabet": load_json(before_codecs)}
    if not path.exists():
        return None
    saved = load_json(path)
    return to_json(from_json(Config, saved)) if name == "config" else saved  # with fields that it did not have yet


def steps_done(workdir: Path) -> int:
    """The step from which the folder's run goes on: that of its newest checkpoint; 0 when there is none."""
    if not (workdir / "checkpoints").is_dir():
        return 0
    with Checkpoints(workdir, writes=False) as checkpoints:
        return checkpoints.latest_step() or 0


def claim(workdir: Path, identity: Identity) -> None:
    """Makes the folder this run's; done once the run is known to start, so that a refused one leaves nothing behind.

    Raises:
      OtherRunError: it is another run's already.
    """
    refuse_other_run(workdir, identity)
    workdir.mkdir(parents=True, exist_ok=True)
    for name, document in identity.items():
        temporary = workdir / f"{name}.tmp"
        temporary.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.rename(workdir / f"{name}.json")


def claim_together(workdir: Path, identity: Identity) -> None:
    """Makes the folder this run's, once all processes agree on what the run is.

    Raises:
      OtherRunError: it is another run's already.
      ValueError: the processes differ.
      FileNotFoundError: not all of them see the folder.
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
    """A document of a work folder; raises ``ValueError``, naming the file, where it holds no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is damaged ({error}): copy the work folder again") from error


class TrainedRun(NamedTuple):
    """A run's task with its trained variables."""

    config: Config
    task: Task
    variables: Variables
    step: int
    metrics: dict[str, float]
    """Measured on the validation samples when the checkpoint was saved; may be empty."""
    imported: dict[str, str] | None = None
    """Of weights from elsewhere: ``source``, ``weights`` (the file's name) and its ``sha256``."""


def load_run(workdir: str | Path) -> TrainedRun:
    """Opens the best checkpoint of a work folder (the newest, when none was evaluated).

    Raises:
      FileNotFoundError: the folder holds no run, or the run no checkpoint.
      ValueError: one of its files is damaged.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: --workdir is the folder that launch.train wrote")
    config = from_json(Config, load_json(path))
    with Checkpoints(workdir, writes=False) as checkpoints:
        card = checkpoints.card_for_use()
        # The checkpoint's own codec: the file that an alphabet was loaded from may be gone by now, or another.
        task = make_task(config, _codec_of(card, config))
        state = abstract(abstract_state(config, task), replicated(make_mesh()))
        try:
            restored = checkpoints.restore_for_use(state)
        except (ValueError, OSError) as error:
            if checkpoints.replaced():  # by a run that still trains
                return load_run(workdir)
            first = str(error).strip().partition("\n")[0][:200]
            raise ValueError(
                f"the checkpoint below {Path(workdir) / 'checkpoints'} is damaged or of another version ({first}): "
                "copy it again, or remove it to use an earlier one"
            ) from error
    variables = jax.device_get(restored.state.variables)
    return TrainedRun(config, task, variables, restored.step, restored.card["metrics"], restored.card.get("imported"))


def _codec_of(card: dict[str, Any], config: Config) -> Codec:
    """The codec that a checkpoint was trained with; before there were codecs, its alphabet was saved alone."""
    if "codec" in card:
        return codec_from_json(card["codec"])
    return text_codec(config, Alphabet.from_dict(card["alphabet"]))
