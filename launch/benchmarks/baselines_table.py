"""The table of classical classifiers on the features of a backbone."""

import importlib.metadata
import time

from datasets.holdout import split_fold
from datasets.sources import Keyed
from datasets.specs import open_source
from launch.ablation.tables import Table, markdown, with_interval
from launch.benchmarks.backbone_features import backbone_features
from launch.benchmarks.timing import machine
from recog.evaluation.statistics import mean

TITLES = ["classifier", "accuracy %", "log loss", "clipped", "seconds"]


def report(workdir: str, data: str, folds: int, by: str = "", on_bad_sample: str = "raise") -> Table:
    """Cross-validates the classifiers, and prints the table.

    Args:
      workdir: folder of a classifier.
      data: source of the samples, which must have keys.
      folds: number of folds.
      by: regular expression that groups samples, see `datasets.holdout.split_holdout`.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.

    Raises:
      ValueError: scikit-learn is missing, or folder, samples or folds do not suit.
    """
    try:
        from launch.benchmarks.classical import classifiers, score
    except ModuleNotFoundError as error:
        raise ValueError("the baselines need scikit-learn: pip install '.[baselines]'") from error
    source = open_source(data)
    if not isinstance(source, Keyed):
        raise ValueError(f"--data={data}: folds need samples with keys, such as folder:PATH")
    held = [set(split_fold(source, folds, fold, by)[1].indices) for fold in range(folds)]
    start = time.perf_counter()
    found = backbone_features(workdir, source, on_bad_sample)
    values, places = found.features.values, found.features.places
    print(f"{values.shape[1]} features of {len(values)} samples in {time.perf_counter() - start:.0f} s")
    parts = [[row for index, row in places.items() if index in part] for part in held]
    lines = []
    for name, make in classifiers().items():
        scores = [score(make, found.names, values, found.classes, part) for part in parts]
        columns = [mean(column) for column in zip(*scores, strict=True)]
        shown = [with_interval(m, *how) for m, how in zip(columns, [(100, 2), (1, 4), (1, 4)], strict=False)]
        lines.append([name, *shown, f"{columns[-1].value:.1f}"])
        print(f"{name}: {lines[-1][1]} %", flush=True)
    table = Table(TITLES, lines, (-1, -1))
    print(f"\n{markdown(table)}\nMeans over {folds} folds; seconds of one fold.")
    print(f"scikit-learn {importlib.metadata.version('scikit-learn')}, {machine()}")
    return table
