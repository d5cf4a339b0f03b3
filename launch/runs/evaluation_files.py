"""Files of an evaluation, whatever made the predictions."""

import itertools
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from launch.runs.box_tiles import box_tile, detections, is_right
from launch.runs.data import Samples
from launch.runs.evaluating_classes import write_class_files
from launch.runs.host_decoding import HostDecoding
from recog.codecs import BoxLabel
from recog.evaluation.contact_sheet import CELL, PICTURE_CELL, Tile, write_contact_sheet
from recog.evaluation.predictions import Prediction
from recog.evaluation.report import write_evaluation
from recog.evaluation.tally import Evaluation
from recog.images import decode
from recog.metrics import BoxCounts, ClassCounts
from recog.preprocess import Preprocess

LISTS = "nbest.jsonl"
SHOWN = 60
"""Maximum number of pictures on the contact sheet."""


def further_entries(evaluation: Evaluation, samples: Samples, on_host: HostDecoding | None) -> dict[str, float]:
    """Entries of a report that are not rates of the counts: samples that were skipped, and those of the decoder."""
    skipped = len(samples.source) - len(evaluation.predictions)
    return ({"skipped": skipped} if skipped else {}) | (on_host.further() if on_host else {})


def write_files(
    out: Path,
    evaluation: Evaluation,
    samples: Samples,
    preprocess: Preprocess,
    further: Mapping[str, float],
    lists: HostDecoding | None,
) -> dict[str, float]:
    """Writes ``report.json``, ``predictions.tsv`` and the files of its kind of labels; returns the report.

    Args:
      out: folder to write to.
      evaluation: predictions of the samples.
      samples: the samples.
      preprocess: preprocessing of their pictures, in whose pixels detections are.
      further: entries of the report that are not rates of the counts.
      lists: decoder whose lists of best texts are written to ``nbest.jsonl``; None writes none.
    """
    report = write_evaluation(evaluation, out, samples.describe, further)
    (out / LISTS).unlink(missing_ok=True)
    if lists:
        lists.write(out / LISTS, samples.describe)
    if isinstance(evaluation.counts, ClassCounts):
        write_class_files(out, evaluation, samples)
    else:
        cell = PICTURE_CELL if isinstance(evaluation.counts, BoxCounts) else CELL
        write_contact_sheet(out / "contact_sheet.png", tiles(evaluation, samples, preprocess), cell=cell)
    return report


def tiles(evaluation: Evaluation, samples: Samples, preprocess: Preprocess, most: int = SHOWN) -> list[Tile]:
    """Tiles of wrong predictions, up to half of the sheet, followed by others in the order of the source.

    Args:
      evaluation: predictions of the samples.
      samples: the samples.
      preprocess: preprocessing of their pictures, in whose pixels detections are.
      most: maximum number of tiles.
    """
    right = is_right if isinstance(evaluation.counts, BoxCounts) else str.__eq__
    wrong = (p for p in evaluation.predictions if not right(p.label, p.text))
    chosen = list(itertools.islice(wrong, most // 2))
    shown = {p.id for p in chosen}
    others = (p for p in evaluation.predictions if p.id not in shown)
    chosen += itertools.islice(others, most - len(chosen))
    return [tile_of(samples, p, preprocess) for p in chosen]


def tile_of(samples: Samples, prediction: Prediction, preprocess: Preprocess) -> Tile:
    """Tile of one prediction; of a detector's, with the boxes on the picture as its source provides it."""
    image, label, _ = samples.source[prediction.id]
    picture = decode(image, 3) if isinstance(image, bytes) else image
    if not isinstance(label, BoxLabel):
        return Tile(picture, prediction.text, prediction.label)
    height, width = picture.shape[:2]
    rows, columns = preprocess.scaled_size(height, width)
    scale = np.array([width / columns, height / rows], np.float32)
    return box_tile(picture, label, [box._replace(corners=box.corners * scale) for box in detections(prediction.text)])
