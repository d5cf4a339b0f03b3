"""Trains a reader: ``python -m launch.train --config=launch/configs/NAME.py --workdir=DIR [--config.a.b=value ...]``.

A work folder that already holds the same run is resumed, bit for bit.
"""

import contextlib
import functools
from pathlib import Path

import jax
from absl import flags
from ml_collections import config_flags

from datasets.pipeline import make_stream
from datasets.plan import BatchPlan
from launch import friendly
from launch.build import (
    Samples,
    abstract_state,
    check,
    one_pass,
    open_data,
    shape_of_batch,
    state_maker,
)
from launch.config import Config, to_json
from launch.eta import eta_learner
from launch.pretrained import pretrained
from launch.run_folder import Identity, claim, refuse_other_run, resumes
from launch.task import aligned, make_task, note_missing_parts
from recog.evaluation.cost import count_parameters
from recog.evaluation.curves import write_curves
from recog.evaluation.reading import Evaluator
from recog.metrics import zero_accuracy_hint
from recog.tasks.task import Task
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.loop import Loop
from recog.training.mesh import check_batch_size, make_mesh, on_device, replicated
from recog.training.optimizers import make_optimizer, make_schedule
from recog.training.preemption import StopRequest
from recog.training.state import TrainState
from recog.training.step import make_advance, make_train_step, zero_totals
from recog.training.transfer import start_from
from recog.training.writers import MetricWriter, read_metrics


def validator(config: Config, task: Task, samples: Samples):
    """A function that measures a state on the validation samples."""
    evaluator = Evaluator(task)

    def evaluate(state: TrainState) -> dict[str, float]:
        stream = one_pass(samples, config, task)
        evaluation = evaluator(state.variables, stream)
        stream.close()
        labels = [p.label for p in evaluation.predictions]
        if hint := zero_accuracy_hint(labels, [p.text for p in evaluation.predictions]):
            print(f"\n{hint}", flush=True)
        return evaluation.report()

    return evaluate


def trainable(config: Config) -> Task:
    """The configured task; raises ``ValueError`` where it cannot be trained as configured."""
    if not isinstance(config, Config):
        raise ValueError("get_config() of the configuration file does not return a launch.config.Config")
    task = make_task(config)
    note_missing_parts(task)
    if config.optimizer.weight_decay and len(task.losses) > 1:
        raise ValueError(
            f"optimizer.weight_decay={config.optimizer.weight_decay} would shrink every parameter at each of the "
            f"{len(task.losses)} updates of a batch, those that an update's loss does not reach as well: set it to 0"
        )
    return task


def train(config: Config, workdir: str | Path) -> TrainState:
    """Trains a run to its end or until it is asked to stop; returns the last state."""
    workdir = Path(workdir)
    mesh = make_mesh()
    task = trainable(config)
    check_batch_size(mesh.size, config.data.batch_size)
    optimizer = make_optimizer(config.optimizer, config.train.steps)
    learning_rate = make_schedule(config.optimizer, config.train.steps)
    train_source, validation_source = open_data(config)
    identity: Identity = {"config": to_json(config), "alphabet": task.alphabet.to_dict()}
    refuse_other_run(workdir, identity)
    state_shape = abstract_state(config, task)
    taken = pretrained(config, task) if config.init_from and not resumes(workdir) else {}
    advance_task = functools.partial(make_advance, optimizer=optimizer, augmentation=config.augment, seed=config.seed)
    jax.eval_shape(advance_task(task), state_shape, shape_of_batch(config))  # what cannot work is said before long
    training = check(train_source, config, task, "training samples")
    validation = check(validation_source, config, task, "validation samples")
    task = aligned(task, config, training)
    advance = advance_task(task)

    batches, plan = make_stream(
        training.source,
        training.checked,
        task.alphabet,
        config.data,
        seed=config.seed,
        process=(jax.process_index(), jax.process_count()),
    )
    make_state = jax.jit(state_maker(config, task, optimizer), out_shardings=replicated(mesh))
    no_totals = functools.partial(zero_totals, advance, state_shape, shape_of_batch(config))
    claim(workdir, identity | {"samples": {"training": training.identity(), "validation": validation.identity()}})
    with (
        StopRequest() as stop,  # outermost: a signal while the last checkpoint is written must not end the process
        Checkpoints(workdir, identity) as checkpoints,
        contextlib.closing(iter(on_device(mesh, batches))) as stream,
    ):
        state = _start(checkpoints, make_state, taken, stream, replicated(mesh))
        _announce(workdir, state, task, training, validation, plan)
        with contextlib.closing(MetricWriter(workdir, resumed_at=int(state.step))) as writer:
            loop = Loop(
                config=config.train,
                train_step=jax.jit(make_train_step(advance), donate_argnums=(0, 1), out_shardings=replicated(mesh)),
                zero_totals=jax.jit(no_totals, out_shardings=replicated(mesh)),
                stream=stream,
                evaluate=validator(config, task, validation),
                checkpoints=checkpoints,
                writer=writer,
                learning_rate=learning_rate,
                describe=training.describe,
                adapt=eta_learner(config, task, validation, learning_rate),
            )
            state = loop.run(state, stop)
    write_curves(workdir / "curves.png", read_metrics(workdir / "metrics.jsonl"))
    if stop.requested:
        print(f"stopped at step {int(state.step)}, saved; the same command goes on from there", flush=True)
    return state


def _start(checkpoints: Checkpoints, make_state, taken, stream, sharding) -> TrainState:
    """The newest checkpoint, with the stream moved to its place; or a fresh state with the arrays taken over."""
    if checkpoints.latest_step() is None:
        return start_from(make_state(), taken)
    return checkpoints.restore(abstract(jax.eval_shape(make_state), sharding), stream).state


def _announce(workdir: Path, state: TrainState, task: Task, training, validation, plan: BatchPlan) -> None:
    step = int(state.step)
    print(
        f"{'resuming' if step else 'training'} {type(task.model).__name__} "
        f"({count_parameters(state.variables):,} parameters, "
        f"{task.alphabet.classes} classes) on {jax.device_count()} {jax.devices()[0].device_kind}"
        f"{f' from step {step}' if step else ''}\n"
        f"{len(training.checked.indices):,} training samples in widths {', '.join(map(str, plan.buckets))} "
        f"({plan.per_epoch:,} batches an epoch), {len(validation.checked.indices):,} validation samples; "
        f"work folder {workdir}",
        flush=True,
    )


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/, or your own like it.")
    flags.DEFINE_string("workdir", None, "Folder for checkpoints and metrics; a run that it holds is resumed.")
    flags.mark_flags_as_required(["config", "workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags and trains."""
    del argv
    train(flags.FLAGS.config, flags.FLAGS.workdir)


if __name__ == "__main__":
    define_flags()
    friendly.run(main)
