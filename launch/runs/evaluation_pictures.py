"""Pictures of an evaluation for TensorBoard: predictions, confusions and heat maps."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int, UInt8
from scipy.special import softmax

from launch.runs.assembly import Run
from launch.runs.data import Samples
from launch.runs.evaluating_classes import CELL as CLASS_CELL
from launch.runs.evaluating_classes import class_tiles
from launch.runs.evaluation_files import tiles
from launch.runs.shown_outputs import ctc_branches
from recog.codecs import TextCodec
from recog.evaluation.alignment import AlignedCounts
from recog.evaluation.contact_sheet import CELL, PICTURE_CELL, contact_sheet
from recog.evaluation.heat_picture import heat_picture
from recog.evaluation.matrix_picture import in_columns, matrix_picture
from recog.evaluation.predictions import Prediction
from recog.evaluation.tally import LOGITS, Evaluation
from recog.images import decode
from recog.metrics import BoxCounts, ClassCounts, ReadingCounts
from recog.tasks.task import Task

Picture = UInt8[np.ndarray, "H W 3"]

TEXTS, CLASSES, PHOTOGRAPHS = 24, 16, 6
"""Maximum number of pictures on a sheet of texts, of classified pictures, and of photographs with boxes."""
HEAT_MAPS = 4
"""Maximum number of heat maps, of the first validation samples."""
ALIGNED = 10_000
"""Readings that are aligned with their labels at a time."""
CONFUSED = 24
"""Maximum number of tokens or classes of a confusion matrix, the most confused ones."""


def evaluation_pictures(run: Run, evaluation: Evaluation) -> dict[str, Picture]:
    """Draws an evaluation on the validation samples; RGB pictures by their names in TensorBoard.

    Args:
      run: the run, of any kind of labels.
      evaluation: evaluation that shows `launch.runs.shown_outputs.shown_outputs`.
    """
    pictures = {"predictions": _sheet(run, evaluation)}
    match evaluation.counts:
        case ReadingCounts():
            pictures["confusion"] = confused_tokens(run.task.codec, evaluation.predictions)
        case ClassCounts() as counts:
            pictures["confusion"] = confused_classes(counts)
    if evaluation.shown:
        pictures["heat_maps"] = _heat_maps(run.task, evaluation, run.validation)
    return {f"validation/{name}": picture for name, picture in pictures.items()}


def _sheet(run: Run, evaluation: Evaluation) -> Picture:
    """Wrong and right predictions."""
    samples, preprocess = run.validation, run.config.data.preprocess
    match evaluation.counts:
        case ClassCounts():
            return contact_sheet(class_tiles(evaluation, samples, CLASSES), columns=8, cell=CLASS_CELL)
        case BoxCounts():
            return contact_sheet(tiles(evaluation, samples, preprocess, PHOTOGRAPHS), columns=3, cell=PICTURE_CELL)
        case _:
            return contact_sheet(tiles(evaluation, samples, preprocess, TEXTS), cell=CELL)


def confused_tokens(codec: TextCodec, predictions: Sequence[Prediction]) -> Picture:
    """Confusion matrix of the tokens of a reader, aligned with those of the labels."""
    counts = AlignedCounts()
    for start in range(0, len(predictions), ALIGNED):
        some = predictions[start : start + ALIGNED]
        counts += AlignedCounts.of([codec.split(p.label) for p in some], [codec.split(p.text) for p in some])
    right, missed, wrong = counts.true_positives, counts.false_negatives, counts.false_positives
    present = [token for token in codec.alphabet.tokens if right[token] + missed[token] + wrong[token]]
    worst = sorted(present, key=lambda token: -missed[token] - wrong[token])[:CONFUSED]
    chosen = [token for token in present if token in worst]
    numbers = counts.confusion(chosen)
    support = np.array([right[token] + missed[token] for token in chosen])
    shares = numbers / np.maximum(np.append(support, support.sum()), 1)[:, None]
    title = (
        f"label (rows) read as (columns); {right.total() + missed.total():,} tokens: "
        f"{counts.substitutions:,} substituted, {counts.deletions:,} missed, {counts.insertions:,} inserted"
    )
    return matrix_picture(shares, [*chosen, "inserted"], [*chosen, "missed"], title=title, numbers=numbers)


def confused_classes(counts: ClassCounts) -> Picture:
    """Confusion matrix of a classifier."""
    support = counts.confusion.sum(axis=1)
    wrong = support + counts.confusion.sum(axis=0) - 2 * counts.confusion.diagonal()
    chosen = np.sort(np.argsort(-wrong, kind="stable")[:CONFUSED])
    numbers: Int[np.ndarray, "K K"] = counts.confusion[np.ix_(chosen, chosen)]
    names = [counts.names[place] for place in chosen.tolist()]
    title = f"label (rows) classified as (columns); accuracy {counts.accuracy:.2%}"
    return matrix_picture(numbers / np.maximum(support[chosen], 1)[:, None], names, names, title=title, numbers=numbers)


def _heat_maps(task: Task, evaluation: Evaluation, samples: Samples) -> Picture:
    """Heat maps of the first samples, those of a sample's branches side by side."""
    branches, ids = ctc_branches(task), evaluation.shown["ids"].tolist()
    found = {prediction.id: prediction for prediction in evaluation.predictions if prediction.id in ids}
    pictures = [
        _heat_map(task, evaluation.shown, row, branch, samples, found[ids[row]])
        for row in range(min(len(ids), max(1, HEAT_MAPS // len(branches))))
        for branch in branches
    ]
    return in_columns(pictures, columns=2 if len(branches) == 1 else len(branches))


def _heat_map(
    task: Task, outputs: Mapping[str, np.ndarray], row: int, branch: str, samples: Samples, prediction: Prediction
) -> Picture:
    logits, lengths = (outputs[f"{field}{branch}"] for field in LOGITS)
    image = samples.source[prediction.id].image
    picture = decode(image, 3) if isinstance(image, bytes) else image
    text = prediction.text or "(empty)"
    title = text if prediction.text == prediction.label else f"{text} ≠ {prediction.label}"
    frames = logits[row, : max(1, lengths[row])]
    return heat_picture(
        picture, softmax(frames, axis=1), task.codec.class_names, f"{branch[1:]}: {title}" if branch else title
    )
