"""Measures all that only an accelerator can tell, the most important first, in the minutes that one is at hand.

    python -m launch.benchmarks.accelerator --minutes=8 --out=DIR [--parts=ctc,train_crnn] [--seconds=1]

Each part is one of the project's commands in a process of its own, within a time limit of its own (`make_parts`), which
grows with the minutes beyond eight; parts that find no time left are named. ``DIR/results.md`` and
``DIR/results.json`` hold all parts that have ended so far with what they printed, ``DIR/NAME.out`` and
``DIR/NAME.err`` what a part prints while it runs. The command ends within the minutes given, also when the device
hangs. Exit status 0 if every part that was started ended well, otherwise 1.

Parts, in this order: card and versions; the tests that need a GPU; the CTC loss; training steps in bfloat16 against
PyTorch; inference; rate of the input with all cores; whether two equal runs are equal; training, evaluation, export and
reading of the quickstart; training steps in float32.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from absl import flags

from launch.benchmarks.parts import Outcome, Part, run_parts
from launch.benchmarks.rival import MODELS, READERS
from launch.runs import entry

USUAL = 8.0
"""Minutes for which the limits of the parts are made."""


def make_parts(folder: Path, seconds: float, batch_size: int, cores: int) -> list[Part]:
    """All parts, the most important first, with their limits of time in a run of `USUAL` minutes.

    Args:
      folder: folder for the quickstart's run.
      seconds: measured time of each contestant.
      batch_size: pictures of a training step; 0 takes the device's usual number.
      cores: number of worker processes that render and decode.
    """
    measured, run = f"--seconds={seconds:g}", str(folder / "quickstart")
    step = [measured, f"--batch_size={batch_size}"]
    fresh = "arithmetic:count=1000,seed=3"

    def train(model: str, dtype: str) -> list[str]:
        return ["launch.benchmarks.train", f"--models={model}", f"--dtype={dtype}", *step]

    return [
        Part("versions", 40, ["launch.benchmarks.versions"]),
        Part("tests", 120, ["pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", "tests/ctc", "tests/ops"]),
        Part("ctc", 90, ["launch.benchmarks.ctc", measured]),
        *(Part(f"train_{model}", 150, train(model, "bfloat16")) for model in MODELS),
        Part("models", 120, ["launch.benchmarks.models", f"--models={','.join(READERS)}", measured]),
        Part("input", 60, ["launch.benchmarks.input", f"--workers={cores}", measured]),
        Part("determinism", 120, ["launch.benchmarks.determinism", f"--batch_size={batch_size}"]),
        Part(
            "quickstart",
            150,
            [
                "launch.train",
                "--config=launch/configs/quickstart.py",
                f"--workdir={run}",
                f"--config.data.workers={cores}",
            ],
        ),
        Part("evaluate", 60, ["launch.evaluate", f"--workdir={run}", f"--data={fresh}"]),
        Part("export", 60, ["launch.export", f"--workdir={run}", f"--out={folder / 'artifact'}"]),
        *(Part(f"train_{model}_float32", 150, train(model, "float32")) for model in MODELS),
    ]


def choose(parts: Sequence[Part], names: Sequence[str]) -> list[Part]:
    """The named parts in the order of their names; all for no names.

    Raises:
      ValueError: a name is unknown.
    """
    by_name = {part.name: part for part in parts}
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(f"--parts={','.join(unknown)}: choose among {', '.join(by_name)}")
    return [by_name[name] for name in names] or list(parts)


def main(argv: list[str]) -> None:
    """Runs the parts; prints a line for each, and what it printed."""
    del argv
    values, start = flags.FLAGS, time.monotonic()
    folder = Path(values.out)
    parts = choose(make_parts(folder, values.seconds, values.batch_size, len(os.sched_getaffinity(0))), values.parts)

    def tell(outcome: Outcome) -> None:
        print(f"\n{outcome.name}: {outcome.status}, {outcome.seconds:.0f} s ({time.monotonic() - start:.0f} s in all)")
        print(outcome.output + outcome.errors, end="", flush=True)

    patience = max(values.minutes / USUAL, 1.0)
    parts = [part._replace(seconds=patience * part.seconds) for part in parts]
    outcomes = run_parts(parts, 60 * values.minutes, folder, tell)
    print(f"\nwritten: {folder / 'results.md'}, {folder / 'results.json'}")
    sys.exit(any(outcome.status in ("failed", "timed out") for outcome in outcomes))


if __name__ == "__main__":
    flags.DEFINE_float("minutes", USUAL, "Time for all parts.", lower_bound=0.1)
    flags.DEFINE_string("out", None, "Folder for the results.", required=True)
    flags.DEFINE_list("parts", [], "Parts to run, in this order; empty: all.")
    flags.DEFINE_float("seconds", 1.0, "Seconds of measured time for each contestant.", lower_bound=0.0)
    flags.DEFINE_integer("batch_size", 0, "Pictures of a step; 0: 32 on a CPU, 256 on a GPU.", lower_bound=0)
    entry.run(main)
