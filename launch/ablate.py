r"""Trains a grid of runs and tabulates the results, with intervals over seeds.

    python -m launch.ablate --config=launch/configs/plates_stn_crnn.py --sweep=model.recurrent.layers=1,2,3 \
        --sweep=model.recurrent.units=128,256,512,1024 --seeds=3 --workdir=DIR

Any field of the configuration can be swept; ``--study=NAME`` takes axes and configuration from ``launch/studies``.
Each cell is an ordinary run in ``DIR/cells``, with a log of its own. The same command goes on where it was stopped:
finished cells are skipped, interrupted ones resumed, failed ones tried again. Cells of the same shapes, such as the
seeds, train together in one program and see the same batches. ``--dry_run`` shows the cells and estimates the time.

``--folds=5`` is a cross-validation: each cell holds another fifth of the training samples out (``data.fold``), and the
table has means over the folds. It needs no sweep.

Several processes of one machine share the cells with ``--jobs``. Several machines share a grid on one folder with
``--shard=1/8`` to ``--shard=8/8``: each has a fixed share, so one that is done does not help the others. The cells of a
lost machine are trained by its command given on another, once the lost one is certainly gone: a lock in each cell's
folder keeps the processes of one machine apart, and those of several only if the file system shares locks (NFSv4 does).

In ``DIR``, of all cells that have finished: ``table.md``, ``table.csv``, ``table.tex``, ``table.png``.
"""

import json
import sys

import jax
from absl import flags

from launch.ablation import estimate
from launch.ablation.checks import check_cells
from launch.ablation.command import define_flags, make_grid, with_study
from launch.ablation.crew import Crew, take_share_of_cores
from launch.ablation.dry_run import dry_run
from launch.ablation.running import train_share
from launch.ablation.shares import in_order, parse_shard, share
from launch.ablation.worker import work
from launch.runs import entry
from recog.cli.disk import full_disk_named


def main(argv: list[str]) -> None:
    """Reads the flags; trains the grid and writes the tables, or does a worker's part of it."""
    del argv
    values = flags.FLAGS
    grid = make_grid(values)
    mine = share(grid.cells, *parse_shard(values.shard))
    if values.worker >= 0:
        take_share_of_cores(values.worker, values.jobs)
        if values.dry_run:
            print(json.dumps(estimate.time_first(grid.cells[0])._asdict()))
        else:
            with full_disk_named([grid.workdir]):
                work(in_order(mine, values.worker, values.jobs), grid.workdir, values.together, values.jobs)
        return
    jax.config.update("jax_platforms", "cpu")  # this process only watches: the accelerators are the workers'
    costs = check_cells(grid)
    if values.dry_run:
        dry_run(grid, costs, sys.argv[1:], values.jobs)
    else:
        with full_disk_named([grid.workdir]):
            train_share(grid, mine, lambda: Crew(sys.argv[1:], grid.workdir, values.jobs, mine), costs, values.layout)


if __name__ == "__main__":
    define_flags()
    try:
        sys.argv[1:] = with_study(sys.argv[1:])
    except ValueError as error:
        sys.exit(f"error: {error}")
    entry.run(main)
