"""Parameters and batch statistics to start from, of a run or imported weights (``--config.init_from=WORKDIR``)."""

from pathlib import Path

from jaxtyping import Array

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

    If the classes differ, arrays whose shape depends on the number of classes are not taken.

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
    same = run.task.codec.class_names == task.codec.class_names
    leave = frozenset() if same else _of_classes(config, task)
    result = transfer(abstract_state(config, task).variables, run.variables, leave)
    print(f"starts from step {run.step:,} of {folder}: {len(result.taken)} arrays", flush=True)
    if result.anew:
        why = "" if same else ", whose classes differ"
        listed = ", ".join(result.anew[:LISTED]) + (", ..." if len(result.anew) > LISTED else "")
        print(f"  {len(result.anew)} are not from there{why}: {listed}", flush=True)
    return result.taken


def _of_classes(config: Config, task: Task) -> frozenset[str]:
    """Paths of the arrays whose shape depends on the number of classes."""
    shapes, others = (
        named_arrays(abstract_state(config, one).variables) for one in (task, make_task(config, task.codec.extended()))
    )
    return frozenset(path for path, array in shapes.items() if array.shape != others[path].shape)
