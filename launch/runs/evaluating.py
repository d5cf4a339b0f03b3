"""Evaluation of a trained run."""

import contextlib
import dataclasses
import itertools
from pathlib import Path

import jax
import numpy as np

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.runs.assembly import show_notes
from launch.runs.box_tiles import box_tile, detections, is_right
from launch.runs.class_options import ClassOptions
from launch.runs.crnn_figure4 import CrnnFigure4
from launch.runs.data import Samples, check, needs, needs_to_measure, one_pass, open_data
from launch.runs.decoding import Decoding, decoded_by, decoding_on_host, require_room_in
from launch.runs.evaluating_classes import calibrate, write_class_files
from launch.runs.folder import TrainedRun, load_json, load_run
from launch.runs.host_decoding import HostDecoding
from launch.runs.lexicons import load_lexicon
from recog.codecs import BoxCodec, BoxLabel, ClassCodec, Codec
from recog.evaluation.contact_sheet import CELL, PICTURE_CELL, Tile, write_contact_sheet
from recog.evaluation.evaluator import Evaluation, Evaluator, Prediction, write_evaluation
from recog.images import decode
from recog.mesh import make_mesh, replicated
from recog.metrics import BoxCounts
from recog.preprocess import Preprocess
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task

LISTS = "nbest.jsonl"
SHOWN = 60
"""Maximum number of pictures on the contact sheet."""


def evaluate(
    workdir: str | Path,
    data: str = "",
    out: str | Path = "",
    on_bad_sample: str = "raise",
    decoding: Decoding | None = None,
    study: str = "",
    options: ClassOptions | None = None,
    *,
    calibrates: bool = False,
) -> dict[str, float]:
    """Predicts all samples once and writes ``report.json``, ``predictions.tsv`` and ``contact_sheet.png``.

    Of classifiers also ``calibration.png``, ``confusion.tsv`` and ``confusion.png`` (`launch.runs.evaluating_classes`).

    Args:
      workdir: the run's folder.
      data: source of the samples; empty uses the run's validation samples.
      out: folder to write to; empty writes to the work folder.
      on_bad_sample: ``raise`` or ``skip`` samples of ``data`` that cannot be used.
      decoding: decoder of a reader; None takes the best path.
      study: ``crnn_figure4`` also compares the decoder, a lexicon, with the approximations of the CRNN paper.
      options: views and temperature of a classifier; None takes those of the run.
      calibrates: also fits the temperature of a classifier to the samples, into ``calibration.json``.

    Raises:
      ValueError: the run has no validation samples, or they have changed since training; an argument does not suit the
        model.
    """
    if out:  # before a long computation whose results could not be written
        Path(out).mkdir(parents=True, exist_ok=True)
    out, mesh, decoding = Path(out or workdir), make_mesh(), decoding or Decoding()
    run = (options or ClassOptions()).applied(load_run(workdir))
    if calibrates and run.task.codec.kind != ClassCodec.kind:
        raise ValueError("--calibrate is for classifiers: leave it out")
    run = run._replace(task=decoded_by(run.task, decoding))
    show_notes(run.task)
    batch_size = -(-run.config.data.batch_size // mesh.size) * mesh.size
    settings = dataclasses.replace(run.config.data, batch_size=batch_size)
    if data:
        settings, codec, samples = _other_samples(settings, run.task.codec.for_measuring(), data, on_bad_sample)
    else:
        codec, samples = run.task.codec, _own_samples(run, Path(workdir))
    require_room_in(samples, run.task)
    figure = _figure(decoding, run.task) if study else None
    on_host = HostDecoding(figure.codec, figure) if figure else decoding_on_host(run.task, decoding, samples)
    with contextlib.closing(one_pass(samples, settings, codec)) as stream:
        evaluator = Evaluator(run.task, mesh, on_host, ("logits",) if calibrates else ())
        evaluation = evaluator(jax.device_put(run.variables, replicated(mesh)), stream)
    further = {"skipped": skipped} if (skipped := len(samples.source) - len(evaluation.predictions)) else {}
    further |= on_host.further() if on_host else {}
    report = write_evaluation(evaluation, out, samples.describe, further)
    (out / LISTS).unlink(missing_ok=True)
    if on_host and decoding.nbest:
        on_host.write(out / LISTS, samples.describe)
    if figure:
        figure.draw(out)
    if codec.kind == ClassCodec.kind:
        write_class_files(out, evaluation, samples)
    else:
        cell = PICTURE_CELL if codec.kind == BoxCodec.kind else CELL
        write_contact_sheet(out / "contact_sheet.png", tiles(evaluation, samples, settings.preprocess), cell=cell)
    if calibrates:
        calibrate(out, run, evaluation, data or run.config.data.validation or run.config.data.train)
    if evaluation.hint and not decoding.restricts:
        print(evaluation.hint)
    return report


def _figure(decoding: Decoding, task: Task) -> CrnnFigure4:
    """Study of lexicon search; raises ``ValueError`` without a lexicon for all samples or without CTC logits."""
    if decoding.decoder != "lexicon" or not Path(decoding.lexicon).is_file() or decoding.nbest:
        raise ValueError("--study=crnn_figure4 takes --decoder=lexicon --lexicon=FILE alone, one lexicon for all")
    if not isinstance(task, ReadingTask):
        raise ValueError("--study=crnn_figure4 needs CTC logits of a whole text; this model has none")
    return CrnnFigure4(task.codec, load_lexicon(decoding.lexicon, task.codec))


def _other_samples(
    settings: DataConfig, codec: Codec, data: str, on_bad_sample: str
) -> tuple[DataConfig, Codec, Samples]:
    """Opens other samples, which may be wider and have longer labels than those of the run."""
    settings = dataclasses.replace(settings, on_bad_sample=on_bad_sample, buckets=())
    samples = check(open_source(data), needs_to_measure(settings, codec), on_bad_sample, "samples")
    return settings, codec, samples


def _own_samples(run: TrainedRun, workdir: Path) -> Samples:
    """Opens the run's validation samples; raises ``ValueError`` if there are none or they have changed."""
    data = run.config.data
    if not data.train:
        raise ValueError(f"{workdir} has no validation samples of its own, because it was imported: --data=folder:PATH")
    samples = check(open_data(run.config)[1], needs(data, run.task), data.on_bad_sample, "validation samples")
    saved = workdir / "samples.json"
    if saved.exists() and load_json(saved)["validation"] != samples.identity():
        raise ValueError(
            f"{data.validation or data.train} has changed since {workdir} was trained: the samples held "
            "out of it now may have been trained on. Name other samples with --data, or restore the original ones"
        )
    return samples


def tiles(evaluation: Evaluation, samples: Samples, preprocess: Preprocess) -> list[Tile]:
    """Tiles of wrong predictions, up to half of the sheet, followed by others in the order of the source.

    Args:
      evaluation: predictions of the samples.
      samples: the samples.
      preprocess: preprocessing of their pictures, in whose pixels detections are.
    """
    right = is_right if isinstance(evaluation.counts, BoxCounts) else str.__eq__
    wrong = (p for p in evaluation.predictions if not right(p.label, p.text))
    chosen = list(itertools.islice(wrong, SHOWN // 2))
    shown = {p.id for p in chosen}
    chosen += [p for p in evaluation.predictions if p.id not in shown]
    return [_tile(samples, p, preprocess) for p in chosen[:SHOWN]]


def _tile(samples: Samples, prediction: Prediction, preprocess: Preprocess) -> Tile:
    image, label, _ = samples.source[prediction.id]
    picture = decode(image, 3) if isinstance(image, bytes) else image
    if not isinstance(label, BoxLabel):
        return Tile(picture, prediction.text, prediction.label)
    height, width = picture.shape[:2]
    rows, columns = preprocess.scaled_size(height, width)
    scale = np.array([width / columns, height / rows], np.float32)
    return box_tile(picture, label, [box._replace(corners=box.corners * scale) for box in detections(prediction.text)])
