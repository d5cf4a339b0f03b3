"""Trains, evaluates, exports and tries a small reader on two CPU cores, by the four commands of every project.

``python -m launch.quickstart --workdir=runs/quickstart`` trains a small CRNN on rendered arithmetic expressions,
evaluates it on 1,000 unseen ones, exports it, and reads a few image files with the artifact. Each command is shown
before it runs; an interrupted run resumes.
"""

import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from absl import flags

from datasets.specs import open_source
from launch.runs import entry
from launch.runs.commands import run

FRESH = "arithmetic:count=1000,seed=3"
"""Expressions of a seed that neither training nor validation uses."""
EXPECTED = 0.95
"""Minimum exact match on `FRESH`; lower values mean that something is wrong with the installation."""
PICTURES = 5
"""Number of image files to read."""


def draw_pictures(folder: Path) -> list[str]:
    """Writes the first expressions of `FRESH` as PNG files; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    source, paths = open_source(FRESH), []
    for index in range(PICTURES):
        path = folder / f"expression_{index}.png"
        encoded = cv2.imencode(".png", cv2.cvtColor(np.asarray(source[index].image), cv2.COLOR_RGB2BGR))[1]
        path.write_bytes(encoded.tobytes())
        paths.append(str(path))
    return paths


def main(argv: list[str]) -> None:
    """Runs the four commands and prints the result and the files they wrote."""
    del argv
    start, workdir = time.monotonic(), Path(flags.FLAGS.workdir)
    run(["launch.train", "--config=launch/configs/quickstart.py", f"--workdir={workdir}"])
    report = json.loads(run(["launch.evaluate", f"--workdir={workdir}", f"--data={FRESH}"]))
    run(["launch.export", f"--workdir={workdir}", f"--out={workdir / 'artifact'}"])
    run(["launch.predict", f"--artifact={workdir / 'artifact'}", *draw_pictures(workdir / "pictures")])
    print(
        f"\n{report['accuracy']:.1%} of {report['count']} unseen expressions read exactly, "
        f"{time.monotonic() - start:.0f} s in total. Files in {workdir}:\n"
        "  report.json, predictions.tsv               evaluation\n"
        "  curves.png, contact_sheet.png              training curves, images with predictions\n"
        "  checkpoints/, metrics.jsonl, tensorboard/  training run; launch.train resumes it\n"
        "  artifact/                                  exported reader\n"
    )
    if report["accuracy"] < EXPECTED:
        sys.exit(f"error: expected at least {EXPECTED:.0%} exact match; curves.png shows where training went wrong")


if __name__ == "__main__":
    flags.DEFINE_string("workdir", "runs/quickstart", "Folder for all files of the run.")
    entry.run(main)
