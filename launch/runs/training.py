"""Training of a run, or of several runs of the same shapes as one program."""

import contextlib
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import grain.python as grain
import jax
import jax.numpy as jnp

from datasets.features import Features
from datasets.pipeline import make_stream
from datasets.plan import BatchPlan
from launch.runs import distributed
from launch.runs.assembly import Run, assemble
from launch.runs.config import Config
from launch.runs.curves_file import CurvesFile
from launch.runs.data import shape_of_batch
from launch.runs.eta import eta_learner
from launch.runs.folder import claim_together
from launch.runs.frozen_features import frozen_features
from launch.runs.lock import hold
from launch.runs.pseudo_label_file import write_labels
from launch.runs.settings import array_settings
from launch.runs.states import advance_of, from_features, state_of
from launch.runs.utilization import utilization
from launch.runs.validating import validator
from recog.batch import Batch
from recog.cli.disk import full_disk_named
from recog.evaluation.cost import count_parameters
from recog.mesh import replicated
from recog.training.checkpoints import Checkpoints, abstract, damage
from recog.training.clock import Utilization
from recog.training.feed import on_device
from recog.training.freeze import Freeze
from recog.training.loop import Loop
from recog.training.optimizers import make_schedule
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.record import NotFiniteError, Record
from recog.training.records import Records
from recog.training.stack import Stack
from recog.training.state import TrainState
from recog.training.step import Settings, Totals, TrainStep, jit_train_step, zero_totals
from recog.training.transfer import start_from
from recog.training.writers import MetricWriter, NoWriter


def train(
    config: Config,
    workdir: str | Path,
    profile_steps: str = "",
    stop: StopRequest | None = None,
    *,
    pictures: bool = True,
) -> TrainState:
    """Trains a run to its end or until a stop is requested; returns the last state.

    Args:
      config: configuration of the run.
      workdir: work folder; a run in it is resumed.
      profile_steps: ``FIRST:LAST``, steps to trace (`recog.training.profiling.Profile`).
      stop: an entered `StopRequest`; None listens for signals during training.
      pictures: whether evaluations draw ``curves.png`` anew and pictures for TensorBoard; without, ``curves.png`` is
        drawn at the end only.

    Raises:
      NotFiniteError: a loss or gradient became NaN or infinite.
      ValueError: the run cannot start, or another process trains in the folder (`FolderInUseError`).
    """
    workdir = Path(workdir)
    profile = Profile(workdir, profile_steps)
    with hold(workdir):
        run = assemble(config, workdir)
        if note := profile.missed(run.start, config.train.steps):
            print(note, flush=True)
        trained = train_runs([run], [workdir], [workdir.name], profile, stop, pictures=pictures)
    if trained.state is None:
        raise trained.failures[0]
    return trained.state


class Trained(NamedTuple):
    """Result of training runs."""

    state: TrainState | None
    """Last state, stacked if there are several runs; None if all runs have failed."""
    failures: dict[int, NotFiniteError]
    """Errors of runs with a loss that is not finite, by their index."""


def train_runs(
    runs: Sequence[Run],
    folders: Sequence[Path],
    names: Sequence[str],
    profile: Profile,
    stop: StopRequest | None = None,
    *,
    pictures: bool = False,
) -> Trained:
    """Trains runs of the same shapes as one program, from the same step on and with the same batches.

    Args:
      runs: one run, or several with the same `launch.runs.settings.stack_key`.
      folders: their work folders.
      names: their names, for messages if there are several.
      profile: trace to write.
      stop: an entered `StopRequest`; None listens for signals during training.
      pictures: whether evaluations draw; for one run only.

    Raises:
      DiskFullError: files could not be written.
    """
    with full_disk_named(folders):
        return _train_runs(runs, folders, names, profile, stop, pictures)


def _train_runs(
    runs: Sequence[Run],
    folders: Sequence[Path],
    names: Sequence[str],
    profile: Profile,
    stop: StopRequest | None,
    pictures: bool,
) -> Trained:
    first, files = runs[0], contextlib.ExitStack()
    curves = [CurvesFile(folder, first.config) for folder in folders] if distributed.first() else []
    stream, plan = batches(first)
    for run, folder in zip(runs, folders, strict=True):
        claim_together(folder, run.documents | {"samples": run.samples})
        if run.pseudo_labels and distributed.first():
            write_labels(folder, run.pseudo_labels)
    with files:
        # Entered first and so left last: a signal while the last checkpoint is written must not end the process.
        stop = stop or files.enter_context(StopRequest())
        kept = [
            files.enter_context(Checkpoints(folder, run.documents | {"devices": run.devices}))
            for run, folder in zip(runs, folders, strict=True)
        ]
        programs = Programs(runs)
        state = programs.initial_state(kept)
        _announce(folders[0], runs, state, plan)
        if int(jnp.max(state.step)) < first.config.train.steps and (features := frozen_features(runs, state)):
            programs, (stream, _) = Programs(runs, features), batches(first, features)
        drawn = files.enter_context(contextlib.closing(iter(stream)))
        writers = [files.enter_context(contextlib.closing(_writer(folder, first.start))) for folder in folders]
        draws = [curve.draw for curve in curves] if pictures and curves else [None for _ in runs]
        records = Records([record(*parts) for parts in zip(runs, kept, writers, draws, strict=True)], names)
        loop = Loop(
            config=first.config.train,
            train_step=functools.partial(programs.train_step, programs.settings),
            zero_totals=programs.zero_totals,
            stream=drawn,
            evaluate=validator(runs, pictures=pictures),
            records=records,
            utilization=programs.utilization,
            profile=profile,
        )
        try:
            state = loop.run(state, stop)
        except NotFiniteError:
            state = None
    for curve in curves:
        curve.draw()
        curve.wait()
    step = 0 if state is None else int(Stack(len(runs)).take(state, 0).step)
    if stop.requested and 0 < step < first.config.train.steps:
        print(f"stopped at step {step}, saved; the same command goes on from there", flush=True)
    return Trained(state, records.failures)


class Programs:
    """Compiled programs of runs that train as one, and the settings in which they differ.

    Args:
      runs: one run, or several with the same `launch.runs.settings.stack_key`.
      features: features that batches hold in place of pictures.
    """

    def __init__(self, runs: Sequence[Run], features: Features | None = None):
        first, self._on_features = runs[0], features is not None
        self._runs, self._stack = runs, Stack(len(runs))
        self._config = first.config if len(runs) == 1 else first.config.stacked()
        everywhere = replicated(first.mesh)
        settings = array_settings([run.config for run in runs])
        self._each = [jax.device_put(own, everywhere) for own in settings]
        self.settings: Settings = jax.jit(self._stack.stack, out_shardings=everywhere)(self._each)
        """Arrays by path, stacked if there are several runs."""
        self.train_step: TrainStep = jit_train_step(self._advance_of, first.mesh, first.sharding, self._stack)
        """Training step, which donates state and totals."""
        batch, advance = shape_of_batch(first.config.data, first.task.codec), self._advance_of(settings[0])
        if features:
            shape = first.config.data.batch_size, *features.values.shape[1:]
            batch = batch._replace(images=jax.ShapeDtypeStruct(shape, features.values.dtype))
        self.zero_totals: Callable[[], Totals] = jax.jit(
            functools.partial(zero_totals, advance, first.shapes, batch, self._stack), out_shardings=everywhere
        )
        """Totals before the first step, on the devices."""

    @property
    def utilization(self) -> Utilization:
        """Operations of a step of all runs, and the peak of the devices."""
        run, count = self._runs[0], self._stack.size
        task = from_features(run.task) if self._on_features else run.task
        one = utilization(task, run.shapes, Freeze(run.config.optimizer.freeze))
        return Utilization(lambda batch: count * one.flops(_one_view(batch)), one.peak)

    def initial_state(self, checkpoints: Sequence[Checkpoints | None]) -> TrainState:
        """Restores the newest checkpoints, or initialises states with the arrays taken; stacked for several runs."""
        first = self._runs[0]
        fresh = jax.jit(
            functools.partial(state_of, self._config, first.task.codec, first.box), out_shardings=first.sharding
        )  # compiled once for all runs
        states = [
            _restore(run, kept) if kept and run.start else start_from(fresh(settings), first.taken)
            for run, kept, settings in zip(self._runs, checkpoints, self._each, strict=True)
        ]
        return jax.jit(self._stack.stack, out_shardings=first.sharding)(states) if len(states) > 1 else states[0]

    @property
    def _advance_of(self):
        run = self._runs[0]
        return advance_of(self._config, run.task.codec, run.box, on_features=self._on_features)


def _one_view(batch: Batch) -> Batch:
    """Shapes that the step's losses take, for a batch that has features of mirror images as well."""
    rows, *views, size = batch.images.shape
    return batch if len(views) != 1 else batch._replace(images=jax.ShapeDtypeStruct((rows, size), batch.images.dtype))


def batches(run: Run, features: Features | None = None) -> tuple[grain.IterDataset, BatchPlan]:
    """Training batches of a run from its next step on, transferred to the devices ahead of time, and their plan.

    Args:
      run: the run.
      features: features that batches hold in place of pictures.
    """
    loaded, plan = make_stream(
        run.training.source,
        run.training.checked,
        run.task.codec,
        run.config.data,
        seed=run.order_seed,
        start=run.start,
        process=distributed.share(),
        load=features,
    )
    return on_device(run.mesh, loaded), plan


def _writer(folder: Path, start: int) -> MetricWriter:
    return MetricWriter(folder, start) if distributed.first() else NoWriter()


def record(run: Run, checkpoints: Checkpoints, writer: MetricWriter, draw: Callable[[], None] | None) -> Record:
    """Builds the record of a run; ``draw`` is called after each evaluation."""
    learning_rate = make_schedule(run.config.optimizer, run.config.train.steps)
    adapt = eta_learner(run, learning_rate)
    return Record(writer, checkpoints, learning_rate, run.training.describe, adapt, draw)


def _restore(run: Run, checkpoints: Checkpoints) -> TrainState:
    try:
        restored = checkpoints.restore(abstract(run.shapes, run.sharding))
    except Exception as error:  # only of several processes, which do not look for damage when they assemble
        if (found := damage(error)) is None:
            raise
        raise ValueError(
            f"the checkpoint {checkpoints.newest()[0].folder} is damaged or of another version ({found}): move this "
            "folder away to go on from the one before"
        ) from error
    before = restored.card.get("devices", run.devices)
    if before != run.devices:
        print(
            f"saved by {_named(before)}, goes on with {_named(run.devices)}: every batch has the samples that it would "
            "have had, but sums are added up in another order, so that last digits may differ",
            flush=True,
        )
    return restored.state


def _named(devices: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in devices.items())


def _announce(workdir: Path, runs: Sequence[Run], state: TrainState, plan: BatchPlan) -> None:
    run, processes = runs[0], jax.process_count()
    one = Stack(len(runs)).take(state, 0)
    step, steps = int(one.step), run.config.train.steps
    doing = "finished" if step >= steps else "resuming" if step else "training"
    print(
        f"{doing} {f'{len(runs)} runs of ' if runs[1:] else ''}"
        f"{type(run.task.model).__name__} ({count_parameters(one.variables):,} parameters, "
        f"{run.task.codec.classes} classes) on {run.mesh.size} {jax.devices()[0].device_kind}"
        f"{f' of {processes} processes' if processes > 1 else ''}"
        f"{f' from step {step}' if doing == 'resuming' else ''}\n"
        f"{len(run.training.checked.indices):,} training samples in widths {', '.join(map(str, plan.buckets))} "
        f"({plan.per_epoch:,} batches an epoch), {len(run.validation.checked.indices):,} validation samples; "
        f"work folder {workdir}",
        flush=True,
    )
    if pattern := run.config.optimizer.freeze:
        trained, every = (count_parameters({"params": p}) for p in (Freeze(pattern).trained(one.params), one.params))
        print(f"trains {trained:,} of {every:,} parameters", flush=True)
    if doing == "finished":
        print(f"all {steps} steps are done, nothing is left to train\n{_more_steps(run.config, workdir)}", flush=True)


def _more_steps(config: Config, workdir: Path) -> str:
    """Hint on training a finished run further."""
    if config.optimizer.schedule == "constant":
        return f"To train further: --config.train.steps={2 * config.train.steps}, for example"
    return f"To train further from its parameters: --config.init_from={workdir} with a new --workdir"
