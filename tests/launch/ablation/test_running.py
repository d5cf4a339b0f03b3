"""A grid from the first cell to the tables, with training and processes stood in for."""

import csv
from pathlib import Path
from typing import Any

import pytest

from launch.ablation import display
from launch.ablation.grid import Grid, folder_of, parse_sweep
from launch.ablation.outcomes import DIVERGED, FAILED, FINISHED, load_outcome, take
from launch.ablation.running import train_share
from launch.ablation.shares import share
from launch.ablation.worker import work
from launch.runs.costs import Cost

COSTS = {(units,): Cost(32, 64, 1, 11, 1234, 1_000_000) for units in ("8", "9")}


class Inline:
    """Stands for worker processes: trains when it is first looked after."""

    at_work = True

    def __init__(self, cells, workdir):
        self.cells, self.workdir = cells, workdir

    def look_after(self):
        if self.at_work:
            work(self.cells, self.workdir, together=8)
        self.at_work = False
        return []

    def close(self):
        pass


@pytest.fixture
def command(cells, config, training, tmp_path, monkeypatch):
    """Gives the command for a shard; the same grid each time."""
    monkeypatch.setattr(display, "LOOKED", 0)
    grid = Grid((parse_sweep("model.recurrent.units=8,9", config),), cells, tmp_path)

    def run(which=1, count=1, layout="long"):
        training.groups.clear()
        mine = share(cells, which, count)
        crew: Any = Inline(mine, tmp_path)
        train_share(grid, mine, lambda: crew, COSTS, layout)

    return run


def table(workdir: Path):
    with (workdir / "table.csv").open() as lines:
        return [(line["finished"], line["runs"]) for line in csv.DictReader(lines)]


def test_finished_cells_are_not_trained_again(command, cells, training, tmp_path, capfd):
    command()
    assert [len(group) for group in training.groups] == [3, 3]
    assert {"table.md", "table.csv", "table.tex", "table.png"} <= {path.name for path in tmp_path.iterdir()}
    assert table(tmp_path) == [("3", "3"), ("3", "3")]
    printed = capfd.readouterr().out
    assert (tmp_path / "table.md").read_text() in printed
    assert "not finished" not in printed
    command(layout="acc/loss")
    assert training.groups == []
    assert "| model.recurrent.units | acc/loss |" in capfd.readouterr().out


def test_failed_cells_are_tried_again_and_diverged_ones_are_not(command, cells, training, tmp_path):
    training.breaks_together, training.fails, training.diverges = True, {cells[1].name}, {cells[4].name}
    with pytest.raises(SystemExit, match="1 cells failed"):
        command()
    assert load_outcome(folder_of(tmp_path, cells[1])).status == FAILED
    assert table(tmp_path) == [("2", "3"), ("2", "3")]
    training.fails = set()
    command()
    assert training.groups == [[cells[1].name]]
    assert load_outcome(folder_of(tmp_path, cells[4])).status == DIVERGED


def test_stopped_it_leaves_the_rest_to_the_same_command(command, cells, training, tmp_path, capfd):
    training.stops = {cells[0].name}
    command()
    assert "6 cells are not finished: the same command goes on" in capfd.readouterr().out
    training.stops = set()
    command()
    assert table(tmp_path) == [("3", "3"), ("3", "3")]


def test_shards_train_their_own_and_say_what_others_have(command, cells, training, tmp_path, capfd):
    command(which=1, count=2)
    assert training.groups == [[cell.name for cell in cells[:3]]]
    assert "3 cells are left to other commands" in capfd.readouterr().out
    assert table(tmp_path) == [("3", "3"), ("0", "3")]
    training.breaks_together, training.fails = True, {cells[4].name}
    with pytest.raises(SystemExit, match="1 cells failed"):
        command(which=2, count=2)
    command(which=1, count=2)
    assert load_outcome(folder_of(tmp_path, cells[4])).status == FAILED, "only its own shard tries it again"


def test_a_second_command_at_the_same_time_trains_other_cells(command, cells, training, tmp_path, capfd):
    held = take(folder_of(tmp_path, cells[0]))
    assert held is not None
    with held:
        command()
        assert not any(cells[0].name in group for group in training.groups)
        assert "1 cells are left to other commands" in capfd.readouterr().out
    command()  # the first was killed
    assert training.groups == [[cells[0].name]]
    assert [load_outcome(folder_of(tmp_path, cell)).status for cell in cells] == [FINISHED] * 6
