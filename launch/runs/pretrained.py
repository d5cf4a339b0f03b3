"""Parameters and batch statistics to start from, of a run or imported weights (``--config.init_from=WORKDIR``)."""

from pathlib import Path

from jaxtyping import Array

from datasets.pipeline import DataConfig
from launch.runs.config import Config
from launch.runs.folder import load_run
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.tasks.task import Task
from recog.training.transfer import named_arrays, transfer

LISTED = 10
"""Maximum number of arrays to name among those that are initialised randomly."""


def pretrained(config: Config, task: Task) -> dict[str, Array]:
    """Loads arrays by path from the best checkpoint in ``config.init_from``, and prints which ones it lacks.

    Prints a note if that run was trained on samples that this one holds out. If the classes differ, arrays whose shape
    depends on the number of classes are not taken.

    Raises:
      FileNotFoundError: no run, or no checkpoint.
      ValueError: damaged, or a different model.
    """
    folder = Path(config.init_from)
    if not (folder / "config.json").is_file():
        raise FileNotFoundError(
            f"init_from={config.init_from!r}: {folder / 'config.json'} does not exist: train that run or import its "
            "weights first, or name another work folder"
        )
    try:
        run = load_run(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"init_from={config.init_from!r}: {error}") from error
    kind, theirs = type(task.model).__name__, type(run.task.model).__name__
    if kind != theirs:
        raise ValueError(
            f"init_from={config.init_from!r} holds a {theirs}: a {kind} can take nothing from it, choose another run"
        )
    same = run.task.codec.class_names == task.codec.class_names
    leave = frozenset() if same else _of_classes(config, task)
    result = transfer(abstract_state(config, task).variables, run.variables, leave)
    print(f"starts from step {run.step:,} of {folder}: {len(result.taken)} arrays", flush=True)
    if run.imported is None and trained_on_held_out(run.config.data, config.data):
        print(
            f"note: {folder} held out other samples of {config.data.train}: it was trained on some of those held out "
            "here, so that validation is too optimistic; choose the same data.holdout or data.fold",
            flush=True,
        )
    if result.anew:
        why = "" if same else ", whose classes differ"
        listed = ", ".join(result.anew[:LISTED]) + (", ..." if len(result.anew) > LISTED else "")
        print(f"  {len(result.anew)} are not from there{why}: {listed}", flush=True)
    return result.taken


def trained_on_held_out(theirs: DataConfig, ours: DataConfig) -> bool:
    """Whether a run was trained on samples that another one holds out of the same source."""
    if theirs.train != ours.train or ours.validation or not (ours.holdout or ours.folds):
        return False
    if theirs.folds or ours.folds or theirs.holdout_by != ours.holdout_by:
        return _split(theirs) != _split(ours)
    return theirs.holdout < ours.holdout  # a smaller share of a source is part of a larger one


def _split(data: DataConfig) -> tuple[float, str, int, int]:
    """Settings that choose the samples to hold out."""
    return data.holdout, data.holdout_by, data.folds, data.fold


def _of_classes(config: Config, task: Task) -> frozenset[str]:
    """Paths of the arrays whose shape depends on the number of classes."""
    shapes, others = (
        named_arrays(abstract_state(config, one).variables) for one in (task, make_task(config, task.codec.extended()))
    )
    return frozenset(path for path, array in shapes.items() if array.shape != others[path].shape)
