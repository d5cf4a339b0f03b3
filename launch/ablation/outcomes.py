"""How a cell stands: what its folder says of it."""

import json
from pathlib import Path
from typing import NamedTuple

from launch.ablation.claims import read_claim
from launch.runs.config import Config, to_json
from recog.training.writers import read_metrics

FILE = "outcome.json"
FINISHED, DIVERGED, FAILED, RUNNING, WAITING = "finished", "diverged", "failed", "running", "waiting"


class Outcome(NamedTuple):
    """How a cell stands."""

    status: str
    """``finished``, ``diverged`` (its loss became NaN or infinite), ``failed``, ``running`` or ``waiting``."""
    message: str = ""
    """Why it failed."""

    @property
    def final(self) -> bool:
        """Whether there is nothing left to train: what diverged would do so again."""
        return self.status in (FINISHED, DIVERGED)


def read_outcome(folder: Path) -> Outcome:
    """How the cell of a folder stands."""
    try:
        return Outcome(**json.loads((folder / FILE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Outcome(RUNNING if read_claim(folder) else WAITING)


def write_outcome(folder: Path, outcome: Outcome) -> None:
    """Says how a cell ended."""
    temporary = folder / f"{FILE}.tmp"
    temporary.write_text(json.dumps(outcome._asdict(), ensure_ascii=False) + "\n", encoding="utf-8")
    temporary.rename(folder / FILE)


def forget_failure(folder: Path, config: Config) -> None:
    """Lets a cell be tried again that failed, or that diverged with another configuration."""
    outcome, saved = read_outcome(folder), folder / "config.json"
    before = json.loads(saved.read_text(encoding="utf-8")) if saved.exists() else None
    changed = before != json.loads(json.dumps(to_json(config)))
    if outcome.status == FAILED or (outcome.status == DIVERGED and changed):
        (folder / FILE).unlink(missing_ok=True)


def last_step(folder: Path) -> int:
    """The last step that a cell has logged."""
    path = folder / "metrics.jsonl"
    return int(max((line["step"] for line in read_metrics(path)), default=0)) if path.exists() else 0
