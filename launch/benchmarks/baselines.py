"""Classical classifiers on the features of a trained backbone, cross-validated, as a Markdown table.

    python -m launch.benchmarks.baselines --workdir=DIR --data=folder:PATH [--folds=5] [--holdout_by=REGEX]

Logistic regression, support vector machines and nearest neighbours of scikit-learn (``pip install '.[baselines]'``)
take the place of the last layer of the classifier in ``DIR``: they are trained on the mean features of its backbone,
standardised, with settings chosen by the log loss over three folds of the training samples alone. The folds are those
of ``data.folds``, so that the table compares with that of ``launch.ablate --folds=5``. Means over the folds with 95 %
intervals (Student's t); ``clipped`` is the log loss of probabilities clipped to 0.005 and 0.995.

The comparison is fair only if the backbone has not been trained on the samples of ``--data``: take imported weights, or
a run whose backbone was frozen.
"""

from absl import flags

from launch.benchmarks.baselines_table import report
from launch.runs import entry


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    report(values.workdir, values.data, values.folds, values.holdout_by, values.on_bad_sample)


if __name__ == "__main__":
    flags.DEFINE_string("workdir", None, "Folder of a classifier, trained or imported.", required=True)
    flags.DEFINE_string("data", None, "Labelled pictures: folder:PATH, classes:FOLDER, ...", required=True)
    flags.DEFINE_integer("folds", 5, "Number of folds.", 2)
    flags.DEFINE_string("holdout_by", "", "Regular expression over keys; samples with one match stay together.")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "Whether to skip samples that cannot be used.")
    entry.run(main)
