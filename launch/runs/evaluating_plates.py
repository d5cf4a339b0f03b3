"""Evaluation of whole-picture reading: a detector's and a reader's artifact on photographs with labelled plates."""

import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from datasets.needs import Needs
from datasets.specs import open_source
from launch.runs.box_tiles import outlined_twice
from launch.runs.data import Samples, check
from recog.cli.decoding import Decoding
from recog.cli.predicting_plates import load_plate_reader
from recog.codecs import BoxCodec, BoxLabel, BoxTargets, LabelledBox, Prediction, TextCodec
from recog.evaluation.contact_sheet import PICTURE_CELL, Tile, write_contact_sheet
from recog.metrics import BoxCounts
from recog.metrics.plates import pair_plates
from recog.serving.plate_reader import Plate, PlateReader

MOST, LONGEST = 256, 64
"""Maximum number of labelled plates in a photograph, and of characters on one."""
SHOWN = 60
"""Maximum number of photographs on the contact sheet."""
TIMED = 64
"""Number of photographs that are read a second time to measure the speed, without compilation."""
REPORTED = ("recall_50", "false_alarms_per_picture", "ap", "ap_50", "ap_75", "ccpd_70")
"""Rates of detection alone in the report."""


class Outcome(NamedTuple):
    """A labelled plate, a false alarm, or both sides of a match."""

    sample: int
    """Index of the photograph in its source."""
    label: LabelledBox | None
    """Labelled plate; None for a false alarm."""
    plate: Plate | None
    """Plate that was found; None for one that was missed."""
    overlap: float
    """See `recog.metrics.plates.Pair`."""
    right: bool
    """Whether the plate was found and its text read exactly."""


class Photographs(NamedTuple):
    """Some photographs, located and read."""

    outcomes: list[Outcome]
    counts: BoxCounts
    """Counts of detection alone."""


def evaluate_plates(
    detector: str,
    artifact: str,
    data: str,
    out: str | Path = "",
    on_bad_sample: str = "raise",
    decoding: Decoding | None = None,
    threshold: float | None = None,
) -> dict[str, float]:
    """Reads photographs with labelled plates; writes report.json, predictions.tsv and contact_sheet.png if ``out`` is
    given.

    Args:
      detector: folder of a detector's artifact.
      artifact: folder of a reader's artifact.
      data: source of photographs with boxes, such as ``boxes:FOLDER``.
      out: folder to write to; empty writes nothing.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be used.
      decoding: decoder of the reader; None takes that of its artifact.
      threshold: minimum score of a detection; None takes `recog.metrics.boxes.THRESHOLD`.

    Raises:
      ValueError: an artifact is not of its kind, or the samples have no boxes or other classes.
    """
    if out:  # before a long computation whose results could not be written
        Path(out).mkdir(parents=True, exist_ok=True)
    plate_reader = load_plate_reader(detector, artifact, decoding or Decoding(), threshold)
    codec = plate_reader.detector.codec
    assert isinstance(codec, BoxCodec)
    codec = dataclasses.replace(codec, most=MOST, max_length=LONGEST)
    needs = Needs(plate_reader.detector.card.preprocess, codec, codec.problems)
    samples = check(open_source(data), needs, on_bad_sample, "samples")
    groups = [_read(plate_reader, codec, samples, chunk) for chunk in _chunks(samples, "evaluate")]
    outcomes, counts = [each for group in groups for each in group.outcomes], reduce(add, (g.counts for g in groups))
    skipped = len(samples.source) - len(samples.checked.indices)
    report = _report(outcomes, counts) | {"images_per_second": _speed(plate_reader, samples)}
    report |= {"skipped": skipped} if skipped else {}
    if out:
        (Path(out) / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        _write_table(Path(out) / "predictions.tsv", outcomes, samples)
        write_contact_sheet(Path(out) / "contact_sheet.png", _tiles(plate_reader, outcomes, samples), cell=PICTURE_CELL)
    return report


def _chunks(samples: Samples, title: str, size: int = 8) -> Iterator[list[int]]:
    """Indices of samples to read together; shows progress."""
    indices = [int(index) for index in samples.checked.indices]
    hidden = not sys.stderr.isatty()
    with tqdm(total=len(indices), desc=title, unit="image", disable=hidden, dynamic_ncols=True) as bar:
        for start in range(0, len(indices), size):
            yield indices[start : start + size]
            bar.update(min(size, len(indices) - start))


def _read(plate_reader: PlateReader, codec: BoxCodec, samples: Samples, indices: Sequence[int]) -> Photographs:
    """Locates and reads some photographs, and matches what is found with the labels."""
    loaded = [samples.source[index] for index in indices]
    pictures = [plate_reader.upright(sample.image) for sample in loaded]
    located = plate_reader.locate(pictures)
    plates = plate_reader.read_located(pictures, located)
    encoded = [codec.encode(sample.label) for sample in loaded]
    targets = BoxTargets(*(np.stack(arrays) for arrays in zip(*encoded, strict=True)))
    together: Prediction = {name: np.stack([found[name] for found in located]) for name in located[0]}
    reading = plate_reader.reader.codec if plate_reader.reader else None
    assert isinstance(reading, TextCodec)
    outcomes = [
        outcome
        for index, sample, own in zip(indices, loaded, plates, strict=True)
        for outcome in _outcomes(index, sample.label, own, codec, reading)
    ]
    return Photographs(outcomes, BoxCounts.of(together, targets, plate_reader.threshold))


def _outcomes(
    sample: int, label: BoxLabel, plates: Sequence[Plate], codec: BoxCodec, reading: TextCodec
) -> list[Outcome]:
    pairs = pair_plates(
        np.array([box.corners for box in label.boxes], np.float32).reshape(-1, 4, 2),
        np.array([codec.names.index(box.name) for box in label.boxes], int),
        np.array([plate.box for plate in plates], np.float32).reshape(-1, 4),
        np.array([codec.names.index(plate.name) for plate in plates], int),
        np.array([plate.detection_confidence for plate in plates]),
    )
    outcomes = []
    for place, found, overlap in pairs:
        box, plate = None if place is None else label.boxes[place], None if found is None else plates[found]
        right = bool(box and plate and box.text and reading.learnt(plate.text) == reading.learnt(box.text))
        outcomes.append(Outcome(sample, box, plate, overlap, right))
    return outcomes


def _report(outcomes: Sequence[Outcome], counts: BoxCounts) -> dict[str, float]:
    """Rates of detection, and of plates with a text that are found and read exactly.

    ``end_to_end_accuracy`` is over all labelled plates with a text, ``reading_accuracy`` over those that were found.
    """
    found = counts.report()
    texts = [outcome for outcome in outcomes if outcome.label and outcome.label.text]
    right, located = sum(outcome.right for outcome in texts), sum(outcome.plate is not None for outcome in texts)
    rates = {"count": found["count"], "plates": found["boxes"]} | {name: found[name] for name in REPORTED}
    return rates | {
        "end_to_end_accuracy": right / max(len(texts), 1),
        "reading_accuracy": right / max(located, 1),
        "texts": len(texts),
    }


def _speed(plate_reader: PlateReader, samples: Samples) -> float:
    """Photographs per second, decoding included, of the first `TIMED` in the batches that were compiled before."""
    count, seconds = 0, 0.0
    for chunk in _chunks(samples, "time"):
        pictures = [samples.source[index].image for index in chunk]
        start = time.perf_counter()
        plate_reader.read(pictures)
        seconds, count = seconds + time.perf_counter() - start, count + len(chunk)
        if count >= TIMED:
            break
    return count / max(seconds, 1e-9)


def _write_table(path: Path, outcomes: Sequence[Outcome], samples: Samples) -> None:
    """Writes a row for each labelled plate and each false alarm."""
    columns = ["sample", "label", "prediction", "confidence", "detection_confidence", "overlap", "outcome"]
    with path.open("w", encoding="utf-8") as file:
        file.write("\t".join(columns) + "\n")
        for sample, label, plate, overlap, right in outcomes:
            verdict = "false alarm" if label is None else "missed" if plate is None else "read" if right else "found"
            text, sure, score = (plate.text, plate.confidence, plate.detection_confidence) if plate else ("", 0.0, 0.0)
            row = samples.describe(sample), label.text if label else "", text
            file.write("\t".join(row) + f"\t{sure:.4f}\t{score:.4f}\t{overlap:.3f}\t{verdict}\n")


def _tiles(plate_reader: PlateReader, outcomes: Sequence[Outcome], samples: Samples) -> list[Tile]:
    """Tiles of photographs with mistakes, up to half of the sheet, followed by others in the order of the source."""
    indices = [int(index) for index in samples.checked.indices]
    by_sample: dict[int, list[Outcome]] = {index: [] for index in indices}
    for outcome in outcomes:
        by_sample[outcome.sample].append(outcome)
    wrong = [index for index in indices if not all(map(_is_well, by_sample[index]))][: SHOWN // 2]
    chosen = (wrong + [index for index in indices if index not in set(wrong)])[:SHOWN]
    return [_tile(plate_reader, samples, index, by_sample[index]) for index in chosen]


def _is_well(outcome: Outcome) -> bool:
    """Whether a plate was found and, if its text is known, read."""
    return bool(outcome.label and outcome.plate and (outcome.right or not outcome.label.text))


def _tile(plate_reader: PlateReader, samples: Samples, index: int, outcomes: Sequence[Outcome]) -> Tile:
    picture = plate_reader.upright(samples.source[index].image)
    labels = [outcome.label for outcome in outcomes if outcome.label]
    found = [outcome.plate for outcome in outcomes if outcome.plate]
    boxes = [LabelledBox(np.array(plate.corners, np.float32), plate.name) for plate in found]
    shown = outlined_twice(picture, BoxLabel(tuple(labels)), boxes)
    text = " ".join(plate.text for plate in found) or "nothing found"
    if all(map(_is_well, outcomes)):
        return Tile(shown, text, text)
    return Tile(shown, text, " ".join(label.text or "?" for label in labels) or "nothing")
