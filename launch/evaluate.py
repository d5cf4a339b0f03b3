"""Evaluates a trained model: ``python -m launch.evaluate --workdir=DIR [--data=folder:PATH] [--out=DIR]``.

Writes ``report.json``, ``predictions.tsv`` and ``contact_sheet.png``; the last line of output is the report as JSON.
"""

import json

from absl import flags

from launch.runs import decoding, entry
from launch.runs.evaluating import evaluate


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote.")
    flags.DEFINE_string("data", "", "Samples to use (folder:PATH, ...); empty uses the run's validation samples.")
    flags.DEFINE_string("out", "", "Folder for report.json, predictions.tsv, contact_sheet.png; default: the workdir.")
    flags.DEFINE_enum(
        "on_bad_sample", "raise", ["raise", "skip"], "Whether to skip samples of --data that cannot be used."
    )
    decoding.define_flags()
    flags.mark_flags_as_required(["workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags and evaluates."""
    del argv
    values = flags.FLAGS
    print(json.dumps(evaluate(values.workdir, values.data, values.out, values.on_bad_sample, decoding.from_flags())))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
