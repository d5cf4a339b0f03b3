r"""Trains a grid of runs and tabulates what came out, with intervals over seeds.

    python -m launch.ablate --config=launch/configs/plates_stn_crnn.py --sweep=model.recurrent.layers=1,2,3 \
        --sweep=model.recurrent.units=128,256,512,1024 --seeds=3 --workdir=DIR

Any field of the configuration can be swept; ``--study=NAME`` takes axes and configuration from ``launch/studies``.
Each cell is an ordinary run in ``DIR/cells``, with a log of its own. The same command goes on where it was stopped:
finished cells are skipped, interrupted ones resumed, failed ones tried again. Cells of the same shapes, such as the
seeds, train together in one program and see the same batches.

Several machines share a grid on one folder with ``--shard=1/8`` to ``--shard=8/8``; several processes of one machine
with ``--jobs``. ``--dry_run`` shows the cells and says how long they will take.

In ``DIR``: ``table.md``, ``table.csv``, ``table.tex``, ``table.png``.
"""

import copy
import importlib
import json
import operator
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
from absl import flags
from ml_collections import config_flags
from tqdm import tqdm

from launch.ablation import crew, estimate, tables
from launch.ablation.display import watch
from launch.ablation.grid import (
    Cell,
    Grid,
    check_axes,
    folder_of,
    get_field,
    has_field,
    make_cells,
    named_briefly,
    parse_sweep,
    set_field,
)
from launch.ablation.outcomes import FAILED, RUNNING, WAITING, forget_failure, last_step, read_outcome
from launch.ablation.reports import write_reports
from launch.ablation.study import load_study, study_names
from launch.ablation.training import LSTM
from launch.ablation.worker import LOG, in_order, work
from launch.runs import entry
from launch.runs.assembly import advance, trainable
from launch.runs.config import Config, to_json
from launch.runs.costs import Cost, count
from launch.runs.data import abstract_state, open_data, shape_of_batch
from launch.runs.folder import refuse_other_run
from recog.mesh import check_batch_size


def make_grid(values: flags.FlagValues) -> Grid:
    """The grid that the flags ask for.

    Raises:
      ValueError: names the flag that cannot be.
    """
    config = values.config
    swept = tuple(parse_sweep(text, config) for text in values.sweep)
    axes = named_briefly((*(load_study(values.study).axes if values.study else ()), *swept))
    if not axes:
        raise ValueError(f"nothing to vary: name a --sweep=FIELD=VALUE,VALUE or a --study ({', '.join(study_names())})")
    check_axes(config, axes)
    return Grid(axes, make_cells(config, axes, values.seeds), Path(values.workdir))


def check_cells(grid: Grid) -> dict[tuple[str, ...], Cost]:
    """Makes sure that every cell can start, before any does; what each combination costs, by its labels.

    Raises:
      ValueError: names the cell, and why it cannot.
    """
    costs: dict[tuple[str, ...], Cost] = {}
    sources: set[str] = set()
    for cell in tqdm(grid.cells, desc="check cells", leave=False):
        try:
            refuse_other_run(folder_of(grid.workdir, cell), {"config": to_json(cell.config)})
            data = json.dumps(to_json(cell.config.data), sort_keys=True)
            if data not in sources:
                open_data(cell.config)
                sources.add(data)
            if cell.labels not in costs:
                check_trainable(cell.config)
                costs[cell.labels] = count(cell.config)
        except (ValueError, OSError) as error:
            raise ValueError(f"{cell.name}: {error}") from error
    return costs


def check_trainable(config: Config) -> None:
    """Raises ``ValueError`` where a configuration cannot be trained, as far as can be told without its devices."""
    if config.train.steps < 1:
        raise ValueError(f"train.steps={config.train.steps}: choose 1 or more")
    check_batch_size(config.data.batch_size, 1, config.optimizer.accumulation_steps)
    config = copy.deepcopy(config)
    if has_field(config, LSTM) and get_field(config, LSTM) == "cudnn":  # which is not here, but where the workers are
        set_field(config, LSTM, "scan")
    task = trainable(config)
    jax.eval_shape(advance(config, task), abstract_state(config, task), shape_of_batch(config))


def dry_run(grid: Grid, costs: dict[tuple[str, ...], Cost], command: Sequence[str], jobs: int) -> None:
    """Prints the cells, and how long they will take by a few steps of the first."""
    seeds = len(grid.cells) // len(costs)
    lines = [[*labels, f"{cost.parameters:,}", f"{cost.macs / 1e6:,.1f} M"] for labels, cost in costs.items()]
    print(tables.markdown(tables.Table([*grid.names, "parameters", "MACs"], lines, (-1, -1))))
    print(f"{len(costs)} combinations, {seeds} seeds of each: {len(grid.cells)} cells", flush=True)
    print(f"timing the first for {estimate.STEPS} steps ...", flush=True)
    # In a process of its own, because this one keeps off the accelerator.
    timer = [sys.executable, "-m", "launch.ablate", *command, "--worker=0"]
    environment = os.environ | crew.job_environment(0, jobs, crew.visible_gpus())
    timed = subprocess.run(timer, stdout=subprocess.PIPE, text=True, env=environment)
    if timed.returncode:
        sys.exit(timed.returncode)
    speed = estimate.Speed(**json.loads(timed.stdout.splitlines()[-1]))
    each = [estimate.seconds(cell, speed, costs[cell.labels], costs[grid.cells[0].labels]) for cell in grid.cells]
    total, remaining = sum(each), sum(map(operator.mul, each, map(_share_left, grid.cells, grid.folders)))
    shared = f" by {jobs} jobs at the same speed each" if jobs > 1 else ""
    print(
        f"{speed.training:.1f} images/s: about {tables.duration(total / jobs)} for all{shared}, of which "
        f"{tables.duration(remaining / jobs)} are left; cells trained together may take less"
    )


def _share_left(cell: Cell, folder: Path) -> float:
    """What of a cell's steps is still to be done."""
    return 0.0 if read_outcome(folder).final else 1 - last_step(folder) / cell.config.train.steps


def parse_shard(text: str) -> tuple[int, int]:
    """``2/8`` as two numbers; raises ``ValueError`` for what is none."""
    which, slash, of = text.partition("/")
    if not (slash and which.isdecimal() and of.isdecimal() and 1 <= int(which) <= int(of)):
        raise ValueError(f"--shard={text}: write which machine this is, of how many, such as 2/8")
    return int(which), int(of)


def with_study(arguments: Sequence[str]) -> list[str]:
    """The command line, with a study's configuration where it names none; its settings come before other flags."""
    names, others = take_flag("study", arguments)
    if not names:
        return list(arguments)
    study = load_study(names[-1])
    own, others = take_flag("config", others)
    config = own[-1] if own else importlib.import_module(f"launch.configs.{study.config}").__file__
    settings = [f"--config.{path}={value}" for path, value in study.settings.items()]
    return [f"--config={config}", *settings, f"--study={names[-1]}", *others]


def take_flag(name: str, arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """A flag's values, written ``--name=value`` or ``--name value``, and the other arguments."""
    values, others, rest = [], [], iter(arguments)
    for text in rest:
        flag, equals, value = text.partition("=")
        if flag in (f"--{name}", f"-{name}"):
            values.append(value if equals else next(rest, ""))
        else:
            others.append(text)
    return values, others


def define_flags() -> None:
    """The flags of this entry point."""
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/, or your own like it.")
    flags.DEFINE_string("workdir", None, "Folder of the grid; what is finished there is not trained again.")
    flags.DEFINE_multi_string("sweep", [], "FIELD=VALUE,VALUE: an axis; give it again for another.")
    flags.DEFINE_string("study", "", "A file's name under launch/studies; it brings configuration and axes.")
    flags.DEFINE_integer("seeds", 3, "Runs of each combination, with seeds counted up from config.seed.", lower_bound=1)
    flags.DEFINE_integer("jobs", 1, "Processes on this machine; each has a share of its GPUs.", lower_bound=1)
    flags.DEFINE_integer("together", 8, "Most cells of the same shapes that train in one program.", lower_bound=1)
    flags.DEFINE_string("shard", "1/1", "WHICH/OF: this machine's share, of several on one folder.")
    flags.DEFINE_enum("layout", "long", ["long", "acc/loss"], "acc/loss: the first axis down, the others across.")
    flags.DEFINE_bool("dry_run", False, "Show the cells and how long they will take; train nothing.")
    flags.DEFINE_integer("worker", -1, "Which of the jobs this process is; set by the one that starts them.")
    flags.mark_flags_as_required(["config", "workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags; trains the grid and writes the tables."""
    del argv
    values = flags.FLAGS
    grid, shard = make_grid(values), parse_shard(values.shard)
    if values.worker >= 0:
        crew.take_share_of_cores(values.worker, values.jobs)
        if values.dry_run:
            print(json.dumps(estimate.time_first(grid.cells[0])._asdict()))
        else:
            which, of = shard
            workers = of * values.jobs
            share = (which - 1) * values.jobs + values.worker + 1, workers  # so that jobs begin apart
            work(in_order(grid.cells, share), grid.workdir, values.together, workers)
        return
    jax.config.update("jax_platforms", "cpu")  # this process only watches: the accelerators are the workers'
    costs = check_cells(grid)
    if values.dry_run:
        dry_run(grid, costs, sys.argv[1:], values.jobs)
        return
    grid.workdir.mkdir(parents=True, exist_ok=True)
    for cell, folder in zip(grid.cells, grid.folders, strict=True):
        forget_failure(folder, cell.config)
    deaths = watch(grid, lambda: crew.Crew(sys.argv[1:], grid.workdir, values.jobs))
    print(f"\n{write_reports(grid, costs, values.layout)}\nwritten to {grid.workdir}: table.md, .csv, .tex, .png")
    stands = [read_outcome(folder) for folder in grid.folders]
    if elsewhere := sum(outcome.status == RUNNING for outcome in stands):
        print(f"{elsewhere} cells are trained elsewhere: the same command, given later, puts them into the tables")
    if left := sum(outcome.status == WAITING for outcome in stands):
        print(f"{left} cells are not finished: the same command goes on")
    if left and deaths:
        sys.exit(f"error: workers ended before their time, see {', '.join(sorted({str(d.log) for d in deaths}))}")
    if failed := sum(outcome.status == FAILED for outcome in stands):
        sys.exit(f"error: {failed} cells failed, see their {LOG}; the same command tries them again")


if __name__ == "__main__":
    define_flags()
    try:
        sys.argv[1:] = with_study(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"error: {error}")
    entry.run(main)
