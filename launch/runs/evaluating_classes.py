"""Files of a classifier's evaluation: reliability, confusions, its mistakes, and a fitted temperature."""

import heapq
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from launch.runs.class_options import CALIBRATION
from launch.runs.data import Samples
from launch.runs.folder import TrainedRun
from recog.evaluation.calibration import fit_temperature
from recog.evaluation.class_figures import write_calibration, write_confusion
from recog.evaluation.contact_sheet import Tile, write_contact_sheet
from recog.evaluation.predictions import Prediction
from recog.evaluation.tally import Evaluation
from recog.images import decode
from recog.metrics import ClassCounts
from recog.tasks.class_scores import SIGMOID
from recog.tasks.classifying import ClassifyingTask

CELL = (180, 190)
"""Width and height, in pixels, of a cell of the contact sheet."""
SHOWN = 60
"""Maximum number of pictures on the contact sheet."""


def write_class_files(folder: Path, evaluation: Evaluation, samples: Samples) -> None:
    """Writes ``calibration.png``, ``confusion.tsv``, ``confusion.png`` and ``contact_sheet.png``."""
    assert isinstance(evaluation.counts, ClassCounts)
    write_calibration(folder / "calibration.png", evaluation.counts)
    write_confusion(folder, evaluation.counts)
    write_contact_sheet(folder / "contact_sheet.png", class_tiles(evaluation, samples), cell=CELL)


def class_tiles(evaluation: Evaluation, samples: Samples, most: int = SHOWN) -> list[Tile]:
    """Tiles of at most this number of samples, those that `shown_first` chooses."""
    return [_tile(samples, prediction) for prediction in shown_first(evaluation.predictions, most)]


def shown_first(predictions: Sequence[Prediction], most: int = SHOWN) -> list[Prediction]:
    """Most confident mistakes first, up to half of the sheet, then right predictions, the least confident first."""
    wrong = heapq.nsmallest(most, (p for p in predictions if p.text != p.label), key=lambda p: -p.confidence)
    right = heapq.nsmallest(most, (p for p in predictions if p.text == p.label), key=lambda p: p.confidence)
    room = max(most // 2, most - len(right))
    return wrong[:room] + right[: most - len(wrong[:room])]


def _tile(samples: Samples, prediction: Prediction) -> Tile:
    image = samples.source[prediction.id].image
    picture = decode(image, 3) if isinstance(image, bytes) else image
    return Tile(picture, prediction.text, prediction.label, prediction.confidence)


def calibrate(folder: Path, run: TrainedRun, evaluation: Evaluation, data: str) -> None:
    """Fits the temperature, writes it with its log losses to ``calibration.json``, and says what it does.

    Args:
      folder: folder to write to.
      run: run of a classifier.
      evaluation: its evaluation with the logits kept.
      data: source of the samples.
    """
    task = run.task
    assert isinstance(task, ClassifyingTask)
    names = task.codec.names
    classes = np.array([names.index(prediction.label) for prediction in evaluation.predictions])
    logits = task.temperature * evaluation.kept["logits"].astype(np.float64)
    found = fit_temperature(logits, classes, sigmoid=task.scores.kind == SIGMOID)
    saved = {
        "temperature": found.value,
        "log_loss_before": found.log_loss_before,
        "log_loss_after": found.log_loss_after,
        "count": len(classes),
        "data": data,
        "step": run.step,
        "views": list(task.views),
    }
    (folder / CALIBRATION).write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
    print(
        f"temperature {found.value:.4g}, fitted as if one more sample were wrong: log loss {found.log_loss_before:.4g} "
        f"before, {found.log_loss_after:.4g} after on these {len(classes)} samples; export it with "
        f"--temperature={folder / CALIBRATION}"
    )
