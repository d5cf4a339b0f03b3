"""Explains what a model gets wrong: ``python -m launch.report --workdir=DIR|--artifact=DIR --data=SPEC --out=DIR``.

Writes ``report.html``, one page that opens from disk and needs no network, and its parts: ``report.json`` with all
numbers, tables as CSV, figures as PNG. Readers, classifiers and detectors get their own sections: rates with 95 %
intervals, characters or classes and what they are confused with, confidences and thresholds, and samples with the
evidence for each prediction.

    python -m launch.report --workdir=runs/mine                                    # the run's validation samples
    python -m launch.report --artifact=zoo:arithmetic --data=arithmetic:count=500 --out=report
    python -m launch.report --workdir=runs/mine --data=folder:PATH --group_by='camera([0-9]+)' --against=runs/other

Several ``--data`` are splits that are also judged apart. ``--group_by`` finds groups in the origins of samples, such as
the pictures of one camera, which intervals draw together. ``--against`` compares with another work folder or artifact
on the same samples.

The temperature that makes confidences right is fitted to the run's validation samples or to ``--calibrate_on``;
``--calibrated=DIR`` writes an artifact of a reader whose confidences use it.
"""

from absl import flags

from launch.runs import entry
from launch.runs.reporting.calibrating import Fitting
from launch.runs.reporting.report import Request, make_report


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote.")
    flags.DEFINE_string("artifact", None, "Artifact instead: a folder that launch.export wrote, or zoo:NAME.")
    flags.DEFINE_multi_string("data", [], "Samples (folder:PATH, ...), again for each split (the run's validation).")
    flags.DEFINE_string("against", "", "Work folder or artifact of another model to compare with.")
    flags.DEFINE_string("group_by", "", "Regular expression that finds the group of a sample in its origin.")
    flags.DEFINE_string("out", "", "Folder for report.html and its parts (report/ in the work folder).")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "Whether to skip samples that cannot be used.")
    flags.DEFINE_float("accuracy", 0.995, "Accuracy for which the page gives the threshold of the confidence.", 0, 1)
    flags.DEFINE_string("calibrate_on", "", "Samples to fit the temperature to (the run's validation samples).")
    flags.DEFINE_string("calibrated", "", "New folder for an artifact of the reader with the temperature.")


def main(argv: list[str]) -> None:
    """Reads the flags and writes the report."""
    del argv
    values = flags.FLAGS
    request = Request(
        workdir=values.workdir,
        artifact=values.artifact,
        data=tuple(values.data),
        against=values.against,
        group_by=values.group_by,
        out=values.out,
        on_bad_sample=values.on_bad_sample,
        wanted=values.accuracy,
        fitting=Fitting(values.calibrate_on, values.calibrated),
    )
    print(make_report(request))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
