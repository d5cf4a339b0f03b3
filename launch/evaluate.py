"""Evaluates a trained model: ``python -m launch.evaluate --workdir=DIR [--data=folder:PATH] [--out=DIR]``.

Writes ``report.json``, ``predictions.tsv`` and ``contact_sheet.png``; the last line of output is the report as JSON.
Readers can be decoded in other ways: ``--decoder=beam --pattern=price``, ``--decoder=lexicon --lexicon=FILE --nbest=5``
(writes ``nbest.jsonl``); ``--study=crnn_figure4`` draws the accuracy and time of lexicon search as in the CRNN paper.

Of classifiers it also writes ``calibration.png`` (accuracy by confidence), ``confusion.tsv`` and ``confusion.png``, and
the contact sheet begins with the most confident mistakes. ``--views=whole,flip`` averages the probabilities of several
views; ``--calibrate`` fits the temperature that makes confidences right and writes ``calibration.json``, which
``--temperature=FILE`` takes here and in `launch.export`. Fit it to other samples than those that judge it.

    python -m launch.evaluate --artifact=ARTIFACT --data=folder:PATH [--out=DIR]

Evaluates an artifact of any kind (a folder, or ``zoo:NAME``) as a run is evaluated, with the same report and decoders.
Files are written to ``--out`` only.

Evaluates the artifacts of a detector and a reader on photographs with labelled plates, in pixels of the photographs:

    python -m launch.evaluate --detector=ARTIFACT --artifact=ARTIFACT --data=boxes:FOLDER [--out=DIR] [--threshold=0.4]

The report has the rates of detection (`recog.metrics.BoxCounts.report`) and ``end_to_end_accuracy``: the share of the
labelled plates with a text that are found, with an intersection over union of at least 0.5, and read exactly;
``reading_accuracy`` is the share of those found. Files are written to ``--out`` only.
"""

import json
from collections.abc import Sequence

from absl import flags

from launch.runs import class_options, entry
from launch.runs.evaluating import evaluate
from launch.runs.evaluating_artifact import evaluate_artifact
from launch.runs.evaluating_plates import evaluate_plates
from launch.runs.modes import Mode, choose_mode
from recog.cli import decoding
from recog.metrics.boxes import THRESHOLD

MODES = {
    "workdir": Mode(optional=("study", "data", "views", "temperature", "calibrate")),
    "artifact": Mode(required=("data",)),
    "detector": Mode(required=("artifact", "data"), optional=("threshold",)),
}
INSIDE = ("views", "temperature")
"""Settings of a classifier that are part of an artifact's program."""
USAGE = (
    "--workdir=DIR, --artifact=ARTIFACT --data=SAMPLES, and --detector=ARTIFACT --artifact=ARTIFACT --data=boxes:FOLDER"
)


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote.")
    flags.DEFINE_string("data", "", "Samples to use (folder:PATH, ...); empty uses the run's validation samples.")
    flags.DEFINE_string("out", "", "Folder for report.json, predictions.tsv, contact_sheet.png (the workdir).")
    flags.DEFINE_enum(
        "on_bad_sample", "raise", ["raise", "skip"], "Whether to skip samples of --data that cannot be used."
    )
    flags.DEFINE_enum("study", "", ["", "crnn_figure4"], "Draws accuracy and time of lexicons against edit distance.")
    flags.DEFINE_bool("calibrate", False, "Whether to fit the temperature of a classifier, into calibration.json.")
    flags.DEFINE_string("detector", None, "Artifact of a detector: a folder that launch.export wrote, or zoo:NAME.")
    flags.DEFINE_string("artifact", None, "Artifact, likewise, to evaluate; or of the reader of what --detector finds.")
    flags.DEFINE_float("threshold", None, f"Minimum score of a detection ({THRESHOLD:g}).", 0, 1)
    decoding.define_flags()
    class_options.define_flags()


def chosen_mode(given: Sequence[str]) -> str:
    """Name of the mode that the given flags select; raises ``ValueError`` if they do not go together."""
    inside = [f"--{name}" for name in INSIDE if name in given]
    if inside and "artifact" in given:
        raise ValueError(
            f"{' and '.join(inside)}: an artifact's program has these settings from its export: give them to "
            "launch.export, and evaluate what it writes"
        )
    modes = {name: mode for name, mode in MODES.items() if name != "artifact" or "detector" not in given}
    return choose_mode(given, modes, USAGE)


def main(argv: list[str]) -> None:
    """Reads the flags and evaluates."""
    del argv
    values, how = flags.FLAGS, decoding.from_flags()
    names = ("workdir", "detector", "study", "artifact", "threshold", "data", "views", "temperature", "calibrate")
    given = [name for name in names if getattr(values, name) not in (None, "", [], False)]
    mode = chosen_mode(given)
    if mode == "workdir":
        report = evaluate(
            values.workdir,
            values.data,
            values.out,
            values.on_bad_sample,
            how,
            values.study,
            class_options.from_flags(),
            calibrates=values.calibrate,
        )
    elif mode == "artifact":
        report = evaluate_artifact(values.artifact, values.data, values.out, values.on_bad_sample, how)
    else:
        report = evaluate_plates(
            values.detector, values.artifact, values.data, values.out, values.on_bad_sample, how, values.threshold
        )
    print(json.dumps(report))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
