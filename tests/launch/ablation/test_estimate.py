"""The time of a grid is estimated from its first cell; nothing of the grid is trained."""

import pytest

from launch.ablation import dry_run as dry
from launch.ablation.estimate import Speed, seconds
from launch.ablation.grid import Grid, folder_of, make_cells, parse_sweep
from launch.ablation.outcomes import FINISHED, Outcome, write_outcome
from launch.runs.costs import Cost, count
from tests.launch.ablation.conftest import log_figures


def test_the_last_steps_are_evaluated_too(config):
    config.data.batch_size, config.train.evaluate_every = 1, 1000
    speed, cost = Speed(training=1e9, validation=1.0, validation_images=10.0), count(config)
    for steps, evaluations in [(999, 1), (1000, 1), (1999, 2), (2001, 3)]:
        config.train.steps = steps
        (cell,) = make_cells(config, [], 1)
        assert seconds(cell, speed, cost, cost) == pytest.approx(10 * evaluations, rel=1e-3)


def test_a_dry_run_counts_what_is_left(config, tmp_path, monkeypatch, capsys):
    config.data.batch_size, config.train.steps, config.train.evaluate_every = 1, 1000, 0
    axes = (parse_sweep("model.recurrent.units=8,9", config),)
    grid = Grid(axes, make_cells(config, axes, seeds=2), tmp_path)
    costs = {("8",): Cost(32, 64, 1, 11, 1234, 1_000_000), ("9",): Cost(32, 64, 1, 11, 2345, 2_000_000)}
    monkeypatch.setattr(dry, "_time_first", lambda command, jobs: Speed(100.0, 100.0, 0.0))
    finished, half = (folder_of(tmp_path, cell) for cell in grid.cells[:2])
    for folder, step in [(finished, 1000), (half, 500)]:
        folder.mkdir(parents=True)
        log_figures(folder, step, 0.5)
    write_outcome(finished, Outcome(FINISHED))
    dry.dry_run(grid, costs, [], jobs=1)
    printed = capsys.readouterr().out
    assert "| 9 | 2,345 | 2.0 M |" in printed
    assert "2 combinations, 2 seeds of each: 4 cells" in printed
    assert "100.0 images/s: about 60 s for all, of which 45 s are left" in printed
