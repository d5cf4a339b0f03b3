"""Files of an evaluation: the report and the table of predictions."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

from recog.evaluation.tally import Evaluation


def write_evaluation(
    evaluation: Evaluation,
    folder: str | Path,
    describe: Callable[[int], str],
    further: Mapping[str, float] | None = None,
) -> dict[str, float]:
    """Writes ``report.json`` and ``predictions.tsv``; returns the report.

    Args:
      evaluation: predictions and counts.
      folder: folder to write to, created if missing.
      describe: returns the origin of a sample by its index.
      further: entries of the report that are not rates of the counts.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    report = {**evaluation.report(), **(further or {})}
    (folder / "report.json").write_text(json.dumps(report, indent=2) + "\n")
    with (folder / "predictions.tsv").open("w", encoding="utf-8") as file:
        file.write("sample\tlabel\tprediction\tconfidence\n")
        for p in evaluation.predictions:
            file.write(f"{describe(p.id)}\t{p.label}\t{p.text}\t{p.confidence:.4f}\n")
    return report
