"""What a work folder holds beside its checkpoints, and how evaluation and export open it."""

import json
from pathlib import Path
from typing import NamedTuple

import jax

from launch.build import abstract_state, make_task
from launch.config import Config, differences, from_json, to_json
from recog.alphabet import Alphabet
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Variables
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.mesh import make_mesh, replicated


class OtherRunError(ValueError):
    """The work folder holds a run with another configuration."""


def refuse_other_run(workdir: Path, config: Config) -> None:
    """Raises `OtherRunError` when the folder holds a run with another configuration; says what differs."""
    path = workdir / "config.json"
    lines = differences(to_json(config), json.loads(path.read_text())) if path.exists() else []
    if lines:
        listed = "\n  ".join(lines)
        raise OtherRunError(
            f"{workdir} holds a run with another configuration:\n  {listed}\n"
            "Choose a new --workdir, or give the run's own values to resume it."
        )


def claim(workdir: Path, config: Config) -> None:
    """Makes the folder this run's; done once the run is known to start, so that a refused one leaves nothing behind.

    Raises:
      OtherRunError: it is another run's already.
    """
    refuse_other_run(workdir, config)
    workdir.mkdir(parents=True, exist_ok=True)
    temporary = workdir / "config.tmp"
    temporary.write_text(json.dumps(to_json(config), indent=2) + "\n")
    temporary.rename(workdir / "config.json")


class TrainedRun(NamedTuple):
    """A run's task with its trained variables."""

    config: Config
    task: ReadingTask
    variables: Variables
    step: int
    metrics: dict[str, float]
    """Measured on the validation samples when the checkpoint was saved; may be empty."""


def load_run(workdir: str | Path) -> TrainedRun:
    """Opens the best checkpoint of a work folder (the newest, when none was evaluated).

    Raises:
      FileNotFoundError: the folder holds no run, or the run no checkpoint.
      ValueError: the checkpoint's alphabet is not the configuration's.
    """
    path = Path(workdir) / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: --workdir is the folder that launch.train wrote")
    config = from_json(Config, json.loads(path.read_text()))
    task = make_task(config)
    with Checkpoints(workdir) as checkpoints:
        restored = checkpoints.restore_for_use(abstract(abstract_state(config, task), replicated(make_mesh())))
    if Alphabet.from_dict(restored.card["alphabet"]) != task.alphabet:
        raise ValueError(f"{workdir}: the alphabet (alphabet.file?) has changed since the run was trained")
    variables = jax.device_get(restored.state.variables)
    return TrainedRun(config, task, variables, restored.step, restored.card["metrics"])
