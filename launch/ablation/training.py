"""Trains cells: one by itself, or several of the same shapes together in one program."""

import contextlib
import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections.config_flags import config_path

from launch.ablation.grid import Cell, has_field
from launch.runs.assembly import Run, advance, prepare
from launch.runs.config import Config, to_json
from launch.runs.data import one_pass, shape_of_batch, state_maker
from launch.runs.folder import claim, steps_done
from launch.runs.tasks import build_task
from launch.runs.utilization import utilization
from launch.train import batches, record, train
from recog.evaluation.curves import write_curves
from recog.evaluation.reading import Evaluator
from recog.mesh import replicated
from recog.models.multitask import MultiTaskConfig
from recog.tasks.task import Task
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.clock import Utilization
from recog.training.loop import Loop
from recog.training.optimizers import make_optimizer
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.record import NotFiniteError
from recog.training.state import TrainState
from recog.training.step import Advance, Totals, TrainStep
from recog.training.together import Records, Values, jit_steps_together, stack, take, zero_totals_together
from recog.training.transfer import start_from
from recog.training.writers import MetricWriter, read_metrics

ARRAYS = ("seed", "optimizer.learning_rate", "model.dropout", "model.transformer.dropout")
"""Fields in which cells may differ that train in one program, where their models have them."""
LSTM = "model.recurrent.implementation"


class Ended(NamedTuple):
    """How training cells ended."""

    finished: bool
    """Whether it came to the last step; else it was asked to stop before."""
    diverged: dict[str, str]
    """Why, by the names of the cells whose loss is not finite."""


def shapes_key(config: Config) -> str:
    """The same for configurations that can train in one program."""
    plain = copy.deepcopy(config)
    for path in _arrays(config):
        config_path.set_value(path, plain, 0)
    return json.dumps(to_json(plain), sort_keys=True)


def _arrays(config: Config) -> list[str]:
    """Those of `ARRAYS` that the configuration has."""
    return [path for path in ARRAYS if has_field(config, path)]


def can_stack(config: Config) -> bool:
    """Whether runs of this configuration can train together: all that they learn, a program must find by itself."""
    learns_eta = isinstance(config.model, MultiTaskConfig) and config.model.eta_rate > 0
    asks_for_cudnn = has_field(config, LSTM) and config_path.get_value(LSTM, config) == "cudnn"
    return config.mesh.fsdp == 1 and not learns_eta and not asks_for_cudnn


def train_alone(cell: Cell, folder: Path, stop: StopRequest) -> Ended:
    """Trains a cell as `launch.train` does."""
    try:
        state = train(cell.config, folder, stop=stop)
    except NotFiniteError as error:
        return Ended(True, {cell.name: str(error)})
    return Ended(int(state.step) == cell.config.train.steps, {})


def train_together(cells: Sequence[Cell], folders: Sequence[Path], stop: StopRequest) -> Ended:
    """Trains cells of one `shapes_key`, all from the same step on.

    Raises:
      ValueError: they do not stand at the same step.
    """
    runs = _prepare(cells, folders)
    start = runs[0].start
    if {run.start for run in runs} != {start}:
        raise ValueError(
            f"cells stand at steps {', '.join(str(run.start) for run in runs)}: they cannot train together"
        )
    with contextlib.ExitStack() as open_files:
        checkpoints = []
        for run, folder in zip(runs, folders, strict=True):
            claim(folder, run.documents | {"samples": run.samples})
            checkpoints.append(open_files.enter_context(Checkpoints(folder, run.documents | {"devices": run.devices})))
        values = array_values([run.config for run in runs])
        states = initial_states(runs, checkpoints, values)
        records = []
        for run, folder, kept in zip(runs, folders, checkpoints, strict=True):
            writer = open_files.enter_context(contextlib.closing(MetricWriter(folder, start)))
            records.append(record(run, kept, writer))
        together = Records(records, [cell.name for cell in cells])
        try:
            states = _loop(runs[0], values, together, folders[0], open_files).run(states, stop)
        except NotFiniteError:
            if together.living:
                raise
    living = together.living
    for folder in (folders[place] for place in living):
        write_curves(folder / "curves.png", read_metrics(folder / "metrics.jsonl"))
    diverged = {cells[place].name: str(error) for place, error in together.failures.items()}
    return Ended(not living or int(states.step[0]) == runs[0].config.train.steps, diverged)


def _prepare(cells: Sequence[Cell], folders: Sequence[Path]) -> list[Run]:
    """All cells' runs; their samples are the same, and looked at once."""
    first = prepare(cells[0].config, folders[0])
    others = zip(cells[1:], folders[1:], strict=True)
    return [first, *(first._replace(config=cell.config, start=steps_done(folder)) for cell, folder in others)]


def array_values(configs: Sequence[Config]) -> dict[str, jax.Array]:
    """What runs of one `shapes_key` differ in."""
    kinds = {path: np.int32 if path == "seed" else np.float32 for path in _arrays(configs[0])}
    return {path: jnp.asarray([config_path.get_value(path, c) for c in configs], kind) for path, kind in kinds.items()}


def _with_values(config: Config, values: Values) -> Config:
    """Of one of several: with arrays for what they differ in, and LSTMs as scans, as cuDNN's are no arrays' matter."""
    config = copy.deepcopy(config)
    for path, value in values.items():
        config_path.set_value(path, config, value)
    if has_field(config, LSTM):
        config_path.set_value(LSTM, config, "scan")
    return config


def initial_states(runs: Sequence[Run], checkpoints: Sequence[Checkpoints | None], values: Values) -> TrainState:
    """The newest checkpoints, or fresh states, stacked."""
    first, where = runs[0], replicated(runs[0].mesh)

    def make(mine: Values) -> TrainState:
        config = _with_values(first.config, mine)
        return state_maker(config, _task(config, first), make_optimizer(config.optimizer, config.train.steps))()

    make_one = jax.jit(make, out_shardings=where)  # compiled once for all of them
    states = []
    for place, (run, kept) in enumerate(zip(runs, checkpoints, strict=True)):
        if kept and run.start:
            states.append(kept.restore(abstract(run.shapes, run.sharding)).state)
        else:
            mine = {name: array[place] for name, array in values.items()}
            states.append(start_from(make_one(mine), first.taken))
    return jax.jit(stack, out_shardings=where)(states)


def _task(config: Config, run: Run) -> Task:
    return build_task(config, run.task.alphabet, run.box)


def _validator(run: Run) -> Callable[[TrainState], list[dict[str, float]]]:
    """Measures several states on the run's validation samples, which are drawn once."""
    evaluator = Evaluator(run.task, run.mesh)

    def evaluate(states: TrainState) -> list[dict[str, float]]:
        models = [take(states, place).variables for place in range(len(states.step))]
        with contextlib.closing(one_pass(run.validation, run.config, run.task)) as stream:
            return [evaluation.report() for evaluation in evaluator.each(models, stream)]

    return evaluate


def programs(run: Run, values: Values) -> tuple[TrainStep, Callable[[], Totals]]:
    """One step of all runs, and what their totals start from; ``run`` is any of them."""

    def advance_of(mine: Values) -> Advance:
        config = _with_values(run.config, mine)
        return advance(config, _task(config, run))

    def no_totals() -> Totals:
        return zero_totals_together(advance_of, values, run.shapes, shape_of_batch(run.config))

    step = jit_steps_together(advance_of, values, run.mesh)
    return step, jax.jit(no_totals, out_shardings=replicated(run.mesh))


def _loop(run: Run, values: Values, together: Records, folder: Path, open_files: contextlib.ExitStack) -> Loop:
    step, zero_totals = programs(run, values)
    one, count = utilization(run.task, run.shapes), len(together.records)
    return Loop(
        config=run.config.train,
        train_step=step,
        zero_totals=zero_totals,
        stream=open_files.enter_context(contextlib.closing(iter(batches(run)[0]))),
        evaluate=_validator(run),
        record=together,
        utilization=Utilization(lambda batch: count * one.flops(batch), one.peak),
        profile=Profile(folder),
    )
