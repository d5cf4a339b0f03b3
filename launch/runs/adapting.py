"""Adaptation of a trained model to other pictures by the statistics of its batch normalisation (``launch.adapt``)."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from datasets.specs import open_source
from launch.runs.assembly import documents
from launch.runs.data import check, one_pass
from launch.runs.folder import claim, load_run
from launch.runs.lock import hold
from launch.runs.states import state_holding
from launch.runs.unlabelled import pictures_for
from recog.batch import Batch
from recog.mesh import make_mesh, rows_for
from recog.training.checkpoints import Checkpoints
from recog.training.statistics import recompute_statistics


def adapt(workdir: str | Path, data: str, out: str | Path, on_bad_sample: str = "raise") -> None:
    """Writes a work folder with the run's parameters and the batch statistics of other pictures; prints a summary.

    Args:
      workdir: folder of the run.
      data: source of the pictures, whose labels are not read.
      out: a new or empty folder.
      on_bad_sample: ``raise`` or ``skip`` pictures that cannot be decoded.

    Raises:
      FileExistsError: ``out`` holds files.
      FileNotFoundError: no run, no checkpoint or no pictures.
      ValueError: a picture cannot be decoded, or the model has no batch normalisation.
    """
    out = Path(out)
    if out.is_dir() and any(out.iterdir()):
        raise FileExistsError(f"{out} holds files: name a new or an empty folder with --out")
    run, mesh = load_run(workdir), make_mesh()
    settings = dataclasses.replace(
        run.config.data,
        batch_size=rows_for(mesh, run.config.data.batch_size),
        buckets=(),
        on_bad_sample=on_bad_sample,
    )
    source, asked = pictures_for(open_source(data), settings, run.task.codec)
    samples = check(source, asked, on_bad_sample, "pictures")

    def draw() -> Iterator[Batch]:
        return one_pass(samples, settings, run.task.codec)

    found = recompute_statistics(run.task, mesh, run.variables, draw)
    # An average of parameters is among the variables already, and the folder trains no further by itself.
    optimizer = dataclasses.replace(run.config.optimizer, average=0.0)
    config = dataclasses.replace(run.config, optimizer=optimizer, init_from=str(workdir))
    identity = {
        **documents(config, run.task),
        **({"imported": run.imported} if run.imported else {}),
        "adapted": {"run": str(workdir), "step": run.step, "data": data},
    }
    with hold(out):
        claim(out, identity)
        with Checkpoints(out, identity) as checkpoints:
            state = state_holding(config, run.task, found.variables)
            checkpoints.save_if_best(state, run.step, {}, "accuracy")
    print(
        f"{out}: step {run.step:,} of {workdir} with the statistics of {found.layers} layers over "
        f"{len(samples.checked.indices):,} pictures, after {found.passes} passes"
    )
