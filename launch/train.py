"""Trains a reader: ``python -m launch.train --config=launch/configs/NAME.py --workdir=DIR [--config.a.b=value ...]``.

A work folder that already holds the same run is resumed, bit for bit. Several processes, each with devices of its own,
are one run when each is told of the others (``--coordinator_address``, or ``--distributed=auto``) and all see the same
work folder and samples.
"""

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import grain.python as grain
import jax
from absl import flags
from ml_collections import config_flags

from datasets.pipeline import make_stream
from datasets.plan import BatchPlan
from launch.runs import distributed, entry
from launch.runs.assembly import Run, advance, prepare
from launch.runs.config import Config
from launch.runs.data import (
    one_pass,
    shape_of_batch,
    state_maker,
)
from launch.runs.eta import eta_learner
from launch.runs.folder import Identity, claim
from launch.runs.utilization import utilization
from recog.batch import Batch
from recog.evaluation.cost import count_parameters
from recog.evaluation.curves import write_curves
from recog.evaluation.reading import Evaluator
from recog.mesh import replicated
from recog.metrics import zero_accuracy_hint
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.feed import on_device
from recog.training.loop import Loop
from recog.training.optimizers import make_schedule
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.record import Record
from recog.training.state import TrainState
from recog.training.step import jit_train_step, zero_totals
from recog.training.transfer import start_from
from recog.training.writers import MetricWriter, NoWriter, read_metrics


def validator(run: Run) -> Callable[[TrainState], dict[str, float]]:
    """A function that measures a state on the validation samples."""
    evaluator = Evaluator(run.task, run.mesh)

    def evaluate(state: TrainState) -> dict[str, float]:
        with contextlib.closing(one_pass(run.validation, run.config, run.task, distributed.share())) as stream:
            evaluation = evaluator(state.variables, stream)
        labels = [p.label for p in evaluation.predictions]
        if hint := zero_accuracy_hint(labels, [p.text for p in evaluation.predictions]):
            print(f"\n{hint}", flush=True)
        return evaluation.report()

    return evaluate


def train(config: Config, workdir: str | Path, profile_steps: str = "", stop: StopRequest | None = None) -> TrainState:
    """Trains a run to its end or until it is asked to stop; returns the last state.

    Args:
      config: the run's.
      workdir: its folder; a run that it holds is resumed.
      profile_steps: ``FIRST:LAST``, steps to trace (`recog.training.profiling.Profile`).
      stop: an entered request that asks it to stop, for who trains several runs; None listens while this one trains.
    """
    workdir = Path(workdir)
    profile = Profile(workdir, profile_steps)
    run = prepare(config, workdir)
    if note := profile.missed(run.start, config.train.steps):
        print(note, flush=True)
    stream, plan = batches(run)
    claim_together(workdir, run.documents | {"samples": run.samples})
    with (
        # Outermost: a signal while the last checkpoint is written must not end the process.
        contextlib.nullcontext(stop) if stop else StopRequest() as stop,
        Checkpoints(workdir, run.documents | {"devices": run.devices}) as checkpoints,
    ):
        state = _start(run, checkpoints)
        _announce(workdir, run, state, plan)
        with (
            contextlib.closing(iter(stream)) as drawn,
            contextlib.closing(MetricWriter(workdir, run.start) if distributed.first() else NoWriter()) as writer,
        ):
            state = make_loop(run, drawn, checkpoints, writer, profile).run(state, stop)
    if distributed.first():
        write_curves(workdir / "curves.png", read_metrics(workdir / "metrics.jsonl"))
    if stop.requested:
        print(f"stopped at step {int(state.step)}, saved; the same command goes on from there", flush=True)
    return state


def batches(run: Run) -> tuple[grain.IterDataset, BatchPlan]:
    """A run's training batches, from its next step on, put on the devices ahead of it; and the plan behind them."""
    loaded, plan = make_stream(
        run.training.source,
        run.training.checked,
        run.task.alphabet,
        run.config.data,
        seed=run.order_seed,
        start=run.start,
        process=distributed.share(),
    )
    return on_device(run.mesh, loaded), plan


def claim_together(workdir: Path, identity: Identity) -> None:
    """Makes the folder this run's, once all processes agree on what the run is.

    Raises:
      OtherRunError: it is another run's already.
      ValueError: the processes differ.
      FileNotFoundError: not all of them see the folder.
    """
    distributed.agree(identity)
    if distributed.first():
        claim(workdir, identity)
    distributed.wait_for_all("claimed")
    if not (workdir / "config.json").exists():
        raise FileNotFoundError(
            f"--workdir={workdir} is not the folder that process 0 sees: name one on a file system that all share"
        )


def make_loop(
    run: Run, stream: Iterator[Batch], checkpoints: Checkpoints, writer: MetricWriter, profile: Profile
) -> Loop:
    """The training loop over a run's stream."""
    config, one_step = run.config, advance(run.config, run.task)
    no_totals = functools.partial(zero_totals, one_step, run.shapes, shape_of_batch(config))
    return Loop(
        config=config.train,
        train_step=jit_train_step(one_step, run.mesh, run.sharding),
        zero_totals=jax.jit(no_totals, out_shardings=replicated(run.mesh)),
        stream=stream,
        evaluate=validator(run),
        record=record(run, checkpoints, writer),
        utilization=utilization(run.task, run.shapes),
        profile=profile,
    )


def record(run: Run, checkpoints: Checkpoints, writer: MetricWriter) -> Record:
    """What writes down how a run goes."""
    learning_rate = make_schedule(run.config.optimizer, run.config.train.steps)
    adapt = eta_learner(run.config, run.task, run.validation, learning_rate, run.mesh)
    return Record(writer, checkpoints, learning_rate, run.training.describe, adapt)


def _start(run: Run, checkpoints: Checkpoints) -> TrainState:
    """The newest checkpoint, or a fresh state with the arrays taken over."""
    if checkpoints.latest_step() is None:
        make_state = state_maker(run.config, run.task, run.optimizer)
        return start_from(jax.jit(make_state, out_shardings=run.sharding)(), run.taken)
    restored = checkpoints.restore(abstract(run.shapes, run.sharding))
    before = restored.card.get("devices", run.devices)
    if before != run.devices:
        print(
            f"saved by {_named(before)}, goes on with {_named(run.devices)}: every batch has the samples that it would "
            "have had; sums are added up in another order, so that last digits may differ",
            flush=True,
        )
    return restored.state


def _named(devices: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in devices.items())


def _announce(workdir: Path, run: Run, state: TrainState, plan: BatchPlan) -> None:
    step, processes = int(state.step), jax.process_count()
    print(
        f"{'resuming' if step else 'training'} {type(run.task.model).__name__} "
        f"({count_parameters(state.variables):,} parameters, "
        f"{run.task.alphabet.classes} classes) on {run.mesh.size} {jax.devices()[0].device_kind}"
        f"{f' of {processes} processes' if processes > 1 else ''}"
        f"{f' from step {step}' if step else ''}\n"
        f"{len(run.training.checked.indices):,} training samples in widths {', '.join(map(str, plan.buckets))} "
        f"({plan.per_epoch:,} batches an epoch), {len(run.validation.checked.indices):,} validation samples; "
        f"work folder {workdir}",
        flush=True,
    )


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/, or your own like it.")
    flags.DEFINE_string("workdir", None, "Folder for checkpoints and metrics; a run that it holds is resumed.")
    flags.mark_flags_as_required(["config", "workdir"])
    flags.DEFINE_string("profile_steps", "", "FIRST:LAST, such as 10:20: steps to trace into the workdir's profile/.")
    flags.DEFINE_integer(
        "stopped_status", 0, "Exit status of a run that was asked to stop and has saved, for who starts it again."
    )
    distributed.define_flags()


def main(argv: list[str]) -> None:
    """Reads the flags and trains."""
    del argv
    distributed.join(flags.FLAGS)
    with distributed.together():
        state = train(flags.FLAGS.config, flags.FLAGS.workdir, flags.FLAGS.profile_steps)
        finished = int(state.step) >= flags.FLAGS.config.train.steps
    if not finished:
        sys.exit(flags.FLAGS.stopped_status)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
