"""What ``--config.init_from=WORKDIR`` takes over: parameters and batch statistics of a run or of imported weights."""

from pathlib import Path

from jaxtyping import Array

from launch.runs.config import Config
from launch.runs.data import abstract_state
from launch.runs.folder import load_run
from launch.runs.tasks import make_task
from recog.alphabet import Alphabet
from recog.tasks.task import Task
from recog.training.transfer import named_arrays, transfer

LISTED = 10
"""Arrays not taken over that are named."""


def pretrained(config: Config, task: Task) -> dict[str, Array]:
    """Arrays to start from by path, of the best checkpoint in ``config.init_from``; says what does not come from there.

    Those whose shape has to do with the number of tokens start anew where the alphabets differ.

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
    same_tokens = run.task.alphabet == task.alphabet
    leave = frozenset() if same_tokens else _of_tokens(config, task)
    result = transfer(abstract_state(config, task).variables, run.variables, leave)
    print(f"starts from step {run.step:,} of {folder}: {len(result.taken)} arrays", flush=True)
    if result.anew:
        why = "" if same_tokens else ", whose alphabet differs"
        listed = ", ".join(result.anew[:LISTED]) + (", ..." if len(result.anew) > LISTED else "")
        print(f"  {len(result.anew)} are not from there{why}: {listed}", flush=True)
    return result.taken


def _of_tokens(config: Config, task: Task) -> frozenset[str]:
    """Paths of the arrays whose shape has to do with the number of tokens."""
    tokens = task.alphabet.tokens
    more = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in tokens)
    longer = Alphabet((*tokens, more), task.alphabet.blank, task.alphabet.separator)
    shapes, others = (named_arrays(abstract_state(config, one).variables) for one in (task, make_task(config, longer)))
    return frozenset(path for path, array in shapes.items() if array.shape != others[path].shape)
