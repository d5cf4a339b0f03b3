"""Parameters and batch statistics to start from, of a run or imported weights (``--config.init_from=WORKDIR``)."""

from collections.abc import Sequence
from pathlib import Path

from launch.runs.config import Config
from launch.runs.folder import load_run
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.codecs import Codec
from recog.tasks.task import Task, Variables
from recog.training.class_axes import MatchedClasses, class_axes
from recog.training.transfer import Taken, named_arrays, transfer

LISTED = 10
"""Maximum number of arrays, and of classes, to name among those that are initialised randomly."""


def pretrained(config: Config, task: Task) -> Taken:
    """Loads arrays by path from the best checkpoint in ``config.init_from``, and prints which ones it lacks.

    If the classes differ, entries of arrays over classes are taken for those that both have, by name and with the
    blank; the others keep their random initial values, and the new classes are printed.

    Raises:
      FileNotFoundError: no run, or no checkpoint.
      ValueError: damaged, or a different model.
    """
    folder = Path(config.init_from)
    try:
        run = load_run(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"init_from={config.init_from!r}: {error}") from error
    kind, theirs = type(task.model).__name__, type(run.task.model).__name__
    if kind != theirs:
        raise ValueError(
            f"init_from={config.init_from!r} holds a {theirs}: a {kind} can take nothing from it, choose another run"
        )
    fresh = abstract_state(config, task).variables
    same = run.task.codec.class_names == task.codec.class_names
    classes = None if same else _matched(config, fresh, task.codec, run.task.codec)
    result = transfer(fresh, run.variables, classes)
    print(f"starts from step {run.step:,} of {folder}: {len(result.taken)} arrays", flush=True)
    if classes and result.taken.keys() & classes.axes.keys():
        print(f"  {_kept(classes)}", flush=True)
    if result.anew:
        why = ", whose classes differ" if classes and not classes.shared else ""
        print(f"  {len(result.anew)} are not from there{why}: {_listed(result.anew)}", flush=True)
    return result.taken


def _matched(config: Config, fresh: Variables, ours: Codec, theirs: Codec) -> MatchedClasses:
    """Classes of the configured model, whose variables are ``fresh``, and of a trained one."""
    extended = abstract_state(config, make_task(config, ours.extended())).variables
    axes = class_axes(named_arrays(fresh), named_arrays(extended), ours.classes)
    return MatchedClasses(ours.class_names, theirs.class_names, axes)


def _kept(classes: MatchedClasses) -> str:
    """Says how many classes both models have, and names the others of the model to train."""
    blank = ", the blank included" if "" in classes.shared else ""
    kept = f"{len(classes.shared)} of {len(classes.ours)} classes are from there, by name{blank}"
    return f"{kept}; new: {_listed([repr(name) for name in classes.new])}" if classes.new else kept


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:LISTED]) + (f" and {len(names) - LISTED} more" if len(names) > LISTED else "")
