"""Evaluates a trained model: ``python -m launch.evaluate --workdir=DIR [--data=folder:PATH] [--out=DIR]``.

Writes ``report.json``, ``predictions.tsv`` and ``contact_sheet.png``; the last line of output is the report as JSON.
Readers can be decoded in other ways: ``--decoder=beam --pattern=price``, ``--decoder=lexicon --lexicon=FILE --nbest=5``
(writes ``nbest.jsonl``); ``--study=crnn_figure4`` draws the accuracy and time of lexicon search as in the CRNN paper.
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
    flags.DEFINE_enum("study", "", ["", "crnn_figure4"], "Draws accuracy and time of lexicons against edit distance.")
    decoding.define_flags()
    flags.mark_flags_as_required(["workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags and evaluates."""
    del argv
    values = flags.FLAGS
    asked = values.workdir, values.data, values.out, values.on_bad_sample, decoding.from_flags(), values.study
    print(json.dumps(evaluate(*asked)))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
