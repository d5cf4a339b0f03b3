"""Outputs of a model that the pictures of an evaluation show."""

from recog.evaluation.tally import LOGITS
from recog.tasks.branches import BranchTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


def shown_outputs(task: Task) -> tuple[str, ...]:
    """Names of the outputs from which heat maps are drawn: CTC logits and their lengths; none without CTC."""
    return tuple(f"{field}{branch}" for branch in ctc_branches(task) for field in LOGITS)


def ctc_branches(task: Task) -> list[str]:
    """Suffixes of the names of CTC logits, one for each branch of the model."""
    match task:
        case ReadingTask():
            return [""]
        case BranchTask() if task.model.config.decoder == "ctc":
            return [f".{branch.name}" for branch in task.structure.branches]
        case _:
            return []
