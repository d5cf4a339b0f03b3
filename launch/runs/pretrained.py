"""Parameters and batch statistics to start from (``--config.init_from=WORKDIR|ARTIFACT``)."""

import dataclasses
from collections.abc import Sequence

from datasets.pipeline import DataConfig
from launch.runs.config import Config
from launch.runs.starting import load_start
from launch.runs.states import abstract_state
from recog.tasks.task import Task
from recog.training.class_axes import ClassAxes, MatchedClasses, class_axes
from recog.training.transfer import Taken, named_arrays, transfer

LISTED = 10
"""Maximum number of arrays, and of classes, to name among those that are initialised randomly."""


def pretrained(config: Config, task: Task) -> Taken:
    """Loads arrays by path of the model that ``config.init_from`` names, and prints which ones it lacks.

    If the classes differ, entries of arrays over classes are taken for those that both have, by name and with the
    blank; the others keep their random initial values, and the new classes are printed. Prints a note as well if that
    run was trained on samples that this one holds out.

    Raises:
      FileNotFoundError: no run, no checkpoint and no artifact.
      ValueError: damaged, or a different model.
    """
    run = load_start(config.init_from)
    kind, theirs = type(task.model).__name__, type(run.task.model).__name__
    if kind != theirs:
        raise ValueError(
            f"init_from={config.init_from!r} holds a {theirs}: a {kind} can take nothing from it, choose another run"
        )
    names, trained = (one.codec.class_names for one in (task, run.task))
    classes = None if names == trained else MatchedClasses(names, trained, axes_over_classes(config, task))
    result = transfer(abstract_state(config, task).variables, run.variables, classes)
    print(f"starts from step {run.step:,} of {config.init_from}: {len(result.taken)} arrays", flush=True)
    if classes and result.taken.keys() & classes.axes.keys():
        print(f"  {_kept(classes)}", flush=True)
    if run.imported is None and trained_on_held_out(run.config.data, config.data):
        print(
            f"note: {config.init_from} held out other samples of {config.data.train}: it was trained on some of those "
            "held out here, so that validation is too optimistic; choose the same data.holdout or data.fold",
            flush=True,
        )
    if result.anew:
        why = ", whose classes differ" if classes and not classes.shared else ""
        print(f"  {len(result.anew)} are not from there{why}: {_listed(result.anew)}", flush=True)
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


def axes_over_classes(config: Config, task: Task) -> ClassAxes:
    """Axes over classes of a configured model's arrays, found by a model with one more class."""
    assert dataclasses.is_dataclass(task), "all tasks are"
    codec = task.codec.extended()
    # Only the model is another: losses that draw labels could not draw the new class.
    extended: Task = dataclasses.replace(task, model=config.model.build(codec), codec=codec)  # pyright: ignore[reportArgumentType, reportCallIssue]
    shapes, larger = (named_arrays(abstract_state(config, one).variables) for one in (task, extended))
    return class_axes(shapes, larger, task.codec.classes)


def _kept(classes: MatchedClasses) -> str:
    """Says how many classes both models have, and names the others of the model to train."""
    blank = ", the blank included" if "" in classes.shared else ""
    kept = f"{len(classes.shared)} of {len(classes.ours)} classes are from there, by name{blank}"
    return f"{kept}; new: {_listed([repr(name) for name in classes.new])}" if classes.new else kept


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
