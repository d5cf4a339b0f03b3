"""Evaluation of a trained run."""

import contextlib
import dataclasses
from pathlib import Path

import jax

from datasets.pipeline import DataConfig
from datasets.specs import open_source
from launch.runs.assembly import show_notes
from launch.runs.class_options import ClassOptions
from launch.runs.crnn_figure4 import CrnnFigure4
from launch.runs.data import Samples, check, needs, needs_to_measure, one_pass, open_data
from launch.runs.decoding import decoded_by, require_room_in, task_decoding_on_host
from launch.runs.evaluating_classes import calibrate
from launch.runs.evaluation_files import further_entries, write_files
from launch.runs.folder import TrainedRun, load_json, load_run
from launch.runs.host_decoding import HostDecoding
from recog.cli.decoding import Decoding
from recog.cli.lexicon_file import load_lexicon
from recog.codecs import ClassCodec, Codec
from recog.evaluation.evaluator import Evaluator
from recog.mesh import make_mesh, replicated, rows_for
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Task


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
    settings = dataclasses.replace(run.config.data, batch_size=rows_for(mesh, run.config.data.batch_size))
    if data:
        settings, codec, samples = other_samples(settings, run.task.codec.for_measuring(), data, on_bad_sample)
    else:
        codec, samples = run.task.codec, own_samples(run, Path(workdir))
    require_room_in(samples, run.task)
    figure = _figure(decoding, run.task) if study else None
    on_host = HostDecoding(figure.codec, figure) if figure else task_decoding_on_host(run.task, decoding, samples)
    with contextlib.closing(one_pass(samples, settings, codec)) as stream:
        evaluator = Evaluator(run.task, mesh, on_host, ("logits",) if calibrates else ())
        evaluation = evaluator(jax.device_put(run.variables, replicated(mesh)), stream)
    further = further_entries(evaluation, samples, on_host)
    lists = on_host if decoding.nbest else None
    report = write_files(out, evaluation, samples, settings.preprocess, further, lists)
    if figure:
        figure.draw(out)
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


def other_samples(
    settings: DataConfig, codec: Codec, data: str, on_bad_sample: str
) -> tuple[DataConfig, Codec, Samples]:
    """Opens other samples, which may be wider and have longer labels than those of the run."""
    settings = dataclasses.replace(settings, on_bad_sample=on_bad_sample, buckets=())
    samples = check(open_source(data), needs_to_measure(settings, codec), on_bad_sample, "samples")
    return settings, codec, samples


def own_samples(run: TrainedRun, workdir: Path) -> Samples:
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
