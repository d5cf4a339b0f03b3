"""Parameters and batch statistics that ``--config.init_from=WORKDIR`` takes over from a run or imported weights."""

from pathlib import Path

from jaxtyping import Array

from launch.runs.config import Config
from launch.runs.folder import load_run
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.tasks.task import Task
from recog.training.transfer import named_arrays, transfer

LISTED = 10
"""Arrays not taken over that are named."""


def pretrained(config: Config, task: Task) -> dict[str, Array]:
    """Arrays to start from by path, of the best checkpoint in ``config.init_from``; says what does not come from there.

    Those whose shape depends on the number of classes start anew where the classes differ.

    Raises:
      FileNotFoundError: the folder holds no run, or the run no checkpoint.
      ValueError: it is damaged, or the run's model has nothing in common with this one.
    """
    folder = Path(config.init_from)
    try:
        run = load_run(folder)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"init_from={config.init_from!r}: {error}") from error
    kind, theirs = type(task.model).__name__, type(run.task.model).__name__
    if kind != theirs:
        raise ValueError(f"init_from={config.init_from!r} holds a {theirs}: a {kind} can take nothing over from it")
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
    """Paths of the arrays whose shape has to do with the number of classes."""
    shapes, others = (
        named_arrays(abstract_state(config, one).variables) for one in (task, make_task(config, task.codec.extended()))
    )
    return frozenset(path for path, array in shapes.items() if array.shape != others[path].shape)
