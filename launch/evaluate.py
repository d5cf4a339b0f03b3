"""Measures a trained reader: ``python -m launch.evaluate --workdir=DIR [--data=folder:PATH] [--out=DIR]``.

Prints the report as one line of JSON, the last line of its output.
"""

import contextlib
import json
from pathlib import Path

import jax
from absl import flags

from datasets.specs import open_source
from launch.runs import entry
from launch.runs.config import Config
from launch.runs.data import Samples, check, one_pass, open_data
from launch.runs.folder import load_run, read_json
from recog.evaluation.contact_sheet import Tile, write_contact_sheet
from recog.evaluation.reading import Evaluation, Evaluator, write_evaluation
from recog.images import decode
from recog.mesh import make_mesh, replicated
from recog.metrics import zero_accuracy_hint
from recog.tasks.task import Task

SHOWN = 60
"""Pictures on the contact sheet."""
LONGEST_LABEL = 256
"""Slots for the labels of other data than the run's own."""


def evaluate(
    workdir: str | Path, data: str = "", out: str | Path = "", on_bad_sample: str = "raise"
) -> dict[str, float]:
    """Reads all samples once and writes ``report.json``, ``predictions.tsv`` and ``contact_sheet.png``.

    Args:
      workdir: the run's folder.
      data: samples; empty takes the run's validation samples.
      out: where to write; empty writes into the work folder.
      on_bad_sample: of other samples than the run's own, ``raise`` or ``skip`` those that cannot be read.

    Raises:
      ValueError: the run has no samples of its own, or they have changed since it was trained.
    """
    if out:  # before anything is read that could then not be written
        Path(out).mkdir(parents=True, exist_ok=True)
    out = Path(out or workdir)
    run = load_run(workdir)
    config, task = run.config, run.task
    if not (data or config.data.train):
        raise ValueError(f"{workdir} has no validation samples of its own, because it was imported: --data=folder:PATH")
    samples = _samples(config, task, data, on_bad_sample) if data else _own_samples(config, task, Path(workdir))
    mesh = make_mesh()
    config.data.batch_size = -(-config.data.batch_size // mesh.size) * mesh.size
    with contextlib.closing(one_pass(samples, config, task)) as stream:
        evaluation = Evaluator(task, mesh)(jax.device_put(run.variables, replicated(mesh)), stream)
    skipped = len(samples.source) - len(evaluation.predictions)
    report = write_evaluation(evaluation, out, samples.describe, skipped=skipped)
    write_contact_sheet(out / "contact_sheet.png", tiles(evaluation, samples))
    if hint := zero_accuracy_hint([p.label for p in evaluation.predictions], [p.text for p in evaluation.predictions]):
        print(hint)
    return report


def _samples(config: Config, task: Task, data: str, on_bad_sample: str) -> Samples:
    """Other samples than the run's own."""
    config.data.on_bad_sample = on_bad_sample
    config.data.buckets, config.data.max_label_length = (), LONGEST_LABEL  # they may be wider, and have longer labels
    return check(open_source(data), config, task, "samples", learn=False)


def _own_samples(config: Config, task: Task, workdir: Path) -> Samples:
    """The run's validation samples; raises ``ValueError`` where they have changed since."""
    samples = check(open_data(config)[1], config, task, "validation samples")
    trained_beside = workdir / "samples.json"
    if trained_beside.exists() and read_json(trained_beside)["validation"] != samples.identity():
        raise ValueError(
            f"{config.data.validation or config.data.train} has changed since {workdir} was trained: what is held out "
            "of it today may have been trained on. Name other samples with --data, or put back those that there were"
        )
    return samples


def tiles(evaluation: Evaluation, samples: Samples) -> list[Tile]:
    """Misread pictures first, up to half of the sheet, then others in the order of the source."""
    wrong = [p for p in evaluation.predictions if p.text != p.label][: SHOWN // 2]
    shown = {p.id for p in wrong}
    chosen = wrong + [p for p in evaluation.predictions if p.id not in shown]
    return [_tile(samples, p) for p in chosen[:SHOWN]]


def _tile(samples: Samples, prediction) -> Tile:
    image = samples.source[prediction.id].image
    return Tile(decode(image, 3) if isinstance(image, bytes) else image, prediction.text, prediction.label)


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote.")
    flags.DEFINE_string("data", "", "Samples to read (folder:PATH, ...); empty reads the run's validation samples.")
    flags.DEFINE_string("out", "", "Folder for report.json, predictions.tsv, contact_sheet.png; default: the workdir.")
    flags.DEFINE_enum("on_bad_sample", "raise", ["raise", "skip"], "What to do with bad ones of --data.")
    flags.mark_flags_as_required(["workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags and evaluates."""
    del argv
    values = flags.FLAGS
    print(json.dumps(evaluate(values.workdir, values.data, values.out, values.on_bad_sample)))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
