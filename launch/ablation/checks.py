"""Checks of all cells before any is trained, and the cost of each combination."""

import json

import jax
from tqdm import tqdm

from launch.ablation.grid import Grid, folder_of
from launch.runs.assembly import trainable
from launch.runs.config import Config, to_json
from launch.runs.costs import Cost, count
from launch.runs.data import open_data, shape_of_batch
from launch.runs.folder import refuse_other_run
from launch.runs.settings import array_settings
from launch.runs.states import abstract_state, advance
from recog.mesh import check_batch_size


def check_cells(grid: Grid) -> dict[tuple[str, ...], Cost]:
    """Checks that every cell can start, before any does; returns the cost of each combination by its labels.

    Raises:
      ValueError: a cell cannot start; the message names it and the reason.
    """
    costs: dict[tuple[str, ...], Cost] = {}
    sources: set[str] = set()
    for cell in tqdm(grid.cells, desc="check cells", leave=False):
        try:
            # Not even longer runs, because finished cells are not trained again.
            refuse_other_run(folder_of(grid.workdir, cell), {"config": to_json(cell.config)}, longer=False)
            data = json.dumps(to_json(cell.config.data), sort_keys=True)
            if data not in sources:
                open_data(cell.config)
                sources.add(data)
            array_settings([cell.config])
            if cell.labels not in costs:
                check_trainable(cell.config)
                costs[cell.labels] = count(cell.config)
        except (ValueError, OSError) as error:
            raise ValueError(f"{cell.name}: {error}") from error
    return costs


def check_trainable(config: Config) -> None:
    """Raises ``ValueError`` where a configuration cannot be trained, as far as this shows without its devices."""
    if config.train.steps < 1:
        raise ValueError(f"train.steps={config.train.steps}: choose 1 or more")
    check_batch_size(config.data.batch_size, 1, config.optimizer.accumulation_steps)
    if not config.model.can_stack:  # this process may lack the cuDNN that the workers have
        config = config.stacked()
    task = trainable(config)
    jax.eval_shape(advance(config, task), abstract_state(config, task), shape_of_batch(config.data, task.codec))
