"""From nothing to a reader on two CPU cores: the four commands of every project, one after the other.

``python -m launch.quickstart --workdir=runs/quickstart`` trains a small CRNN on rendered arithmetic expressions,
measures it on 1,000 fresh ones, exports it, and lets the artifact read a few picture files. Each command is shown
before it runs; a run that was cut off goes on where it stopped.
"""

import json
import shlex
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from datasets.specs import open_source
from launch.runs import entry

FRESH = "arithmetic:count=1000,seed=3"
"""Expressions of a seed that neither training nor validation draws from."""
EXPECTED = 0.95
"""Exact match on `FRESH` below which something is wrong with the installation."""
PICTURES = 5


def run(command: list[str]) -> str:
    """Shows and runs ``python -m launch...``; returns the last line of its output."""
    print(f"\n$ python -m {shlex.join(command)}", flush=True)
    line = ""
    with subprocess.Popen([sys.executable, "-u", "-m", *command], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
    if process.returncode:
        sys.exit(process.returncode)
    return line


def draw_pictures(folder: Path) -> list[str]:
    """Writes a few fresh expressions as PNG files ; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    source, paths = open_source(FRESH), []
    for index in range(PICTURES):
        path = folder / f"expression_{index}.png"
        encoded = cv2.imencode(".png", cv2.cvtColor(np.asarray(source[index].image), cv2.COLOR_RGB2BGR))[1]
        path.write_bytes(encoded.tobytes())
        paths.append(str(path))
    return paths


def main(argv: list[str]) -> None:
    """Runs the four commands and says what they left behind."""
    del argv
    start, workdir = time.monotonic(), Path(flags.FLAGS.workdir)
    run(["launch.train", "--config=launch/configs/quickstart.py", f"--workdir={workdir}"])
    report = json.loads(run(["launch.evaluate", f"--workdir={workdir}", f"--data={FRESH}"]))
    run(["launch.export", f"--workdir={workdir}", f"--out={workdir / 'artifact'}"])
    run(["launch.predict", f"--artifact={workdir / 'artifact'}", *draw_pictures(workdir / "pictures")])
    print(
        f"\nread {report['accuracy']:.1%} of {report['count']} fresh expressions exactly, "
        f"in {time.monotonic() - start:.0f} s altogether. In {workdir}:\n"
        "  report.json, predictions.tsv   what was measured\n"
        "  curves.png, contact_sheet.png  what it looks like\n"
        "  checkpoints/, metrics.jsonl, tensorboard/  the run itself; launch.train resumes it\n"
        "  artifact/                      the reader, for serving\n"
    )
    if report["accuracy"] < EXPECTED:
        sys.exit(f"error: expected at least {EXPECTED:.0%}; see curves.png for where training went wrong")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "runs/quickstart", "Folder for everything that the run leaves behind.")
    entry.run(main)
