"""Commands run one after the other, each within a time limit, with all results on disk as soon as they are known.

Nothing here computes: a device that hangs stops the command that uses it, never the process that runs the commands.
"""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Status = Literal["ok", "failed", "timed out", "no time left"]
GRACE = 5.0
"""Seconds that a killed command is given to end."""
LEAST = 5.0
"""Seconds below which no command is started."""


class Part(NamedTuple):
    """A command of the project with its time limit."""

    name: str
    seconds: float
    """Time limit."""
    command: Sequence[str]
    """Arguments of ``python -m``."""


class Outcome(NamedTuple):
    """Result of a part."""

    name: str
    command: str
    """The command as typed in a shell."""
    status: Status
    seconds: float
    """Time taken; 0 for a part that was not started."""
    output: str
    """Standard output."""
    errors: str
    """Standard error, of a part that did not end well; otherwise empty."""


def run_parts(
    parts: Sequence[Part], seconds: float, folder: Path, tell: Callable[[Outcome], None] = lambda outcome: None
) -> list[Outcome]:
    """Runs the parts in their order, and ends in time whatever they do.

    Args:
      parts: the parts, the most important first.
      seconds: time for all of them.
      folder: folder, made if need be, that gets ``NAME.out`` and ``NAME.err`` of each part while it runs, and
        ``results.json`` and ``results.md`` after each.
      tell: called with each outcome.

    Returns:
      One outcome for each part.
    """
    folder.mkdir(parents=True, exist_ok=True)
    end, outcomes = time.monotonic() + seconds, []
    for part in parts:
        left = end - GRACE - time.monotonic()
        outcomes.append(_run(part, min(part.seconds, left), folder) if left > LEAST else _not_started(part))
        _write(outcomes, folder)
        tell(outcomes[-1])
    return outcomes


def to_markdown(outcomes: Sequence[Outcome]) -> str:
    """A table of all parts, then the output of each as it was printed."""
    lines = ["| part | status | seconds |", "|---|---|---|"]
    lines += [f"| {outcome.name} | {outcome.status} | {outcome.seconds:.0f} |" for outcome in outcomes]
    for outcome in outcomes:
        lines += ["", f"## {outcome.name}", "", f"`{outcome.command}`: {outcome.status}, {outcome.seconds:.0f} s"]
        shown = [text.rstrip() for text in (outcome.output, outcome.errors) if text.strip()]
        lines += ["", "```", *shown, "```"] if shown else []
    return "\n".join(lines) + "\n"


def _shown(part: Part) -> str:
    return f"python -m {shlex.join(part.command)}"


def _not_started(part: Part) -> Outcome:
    return Outcome(part.name, _shown(part), "no time left", 0.0, "", "")


def _run(part: Part, limit: float, folder: Path) -> Outcome:
    """Runs one part, whose output goes into files: a pipe would wait for every process that the part has started."""
    start = time.monotonic()
    out, err = (folder / f"{part.name}.{kind}" for kind in ("out", "err"))
    with out.open("w") as output, err.open("w") as errors:
        command = [sys.executable, "-u", "-m", *part.command]
        process = subprocess.Popen(command, stdout=output, stderr=errors, start_new_session=True)
        try:
            status: Status = "failed" if process.wait(limit) else "ok"
        except subprocess.TimeoutExpired:
            status = "timed out"
        finally:
            _end(process)
    texts = [path.read_text(errors="replace") for path in (out, err)]
    return Outcome(
        part.name, _shown(part), status, time.monotonic() - start, texts[0], "" if status == "ok" else texts[1]
    )


def _end(process: subprocess.Popen) -> None:
    """Kills the process and all that it has started; leaves behind what the system cannot end, as inside a driver."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(GRACE)
    except (ProcessLookupError, subprocess.TimeoutExpired):
        pass


def _write(outcomes: Sequence[Outcome], folder: Path) -> None:
    """Writes all outcomes so far; readers of the files never see half of one."""
    document = json.dumps([outcome._asdict() for outcome in outcomes], indent=2)
    for name, text in (("results.json", document + "\n"), ("results.md", to_markdown(outcomes))):
        temporary = folder / f"{name}.part"
        temporary.write_text(text)
        temporary.replace(folder / name)
