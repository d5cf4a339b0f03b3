"""Machines divide a grid, and their processes begin apart."""

import itertools

import pytest

from launch.ablation.grid import make_cells, parse_sweep
from launch.ablation.shares import in_order, parse_shard, share
from launch.runs.costs import load_config


@pytest.fixture(scope="module")
def cells():
    """Six combinations with three seeds each."""
    config = load_config("plates_stn_crnn")
    sweeps = ["model.recurrent.layers=1,2,3", "model.recurrent.units=8,16"]
    return make_cells(config, [parse_sweep(text, config) for text in sweeps], seeds=3)


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 18])
def test_shares_are_the_whole_grid_once(cells, count):
    shares = [share(cells, which, count) for which in range(1, count + 1)]
    names = [cell.name for cell in itertools.chain(*shares)]
    assert sorted(names) == sorted(cell.name for cell in cells)
    assert all(shares)


def test_combinations_stay_whole_and_costs_are_mixed(cells):
    first, second = (share(cells, which, 2) for which in (1, 2))
    assert [cell.labels for cell in first[::3]] == [("1", "8"), ("2", "16"), ("3", "8")]
    assert [cell.labels for cell in second[::3]] == [("1", "16"), ("2", "8"), ("3", "16")]
    assert len(first) == len(second) == 9


def test_more_machines_than_cells_are_refused(cells):
    with pytest.raises(ValueError, match="--shard=2/19: the grid has 18 cells"):
        share(cells, 2, 19)


@pytest.mark.parametrize("jobs", [1, 2, 3, 4])
def test_processes_begin_with_different_combinations(cells, jobs):
    orders = [in_order(cells, job, jobs) for job in range(jobs)]
    assert len({ordered[0].labels for ordered in orders}) == jobs
    for ordered in orders:
        assert sorted(cell.name for cell in ordered) == sorted(cell.name for cell in cells)


@pytest.mark.parametrize("text", ["2", "0/2", "3/2", "a/b", "1/"])
def test_malformed_shards_are_refused(text):
    with pytest.raises(ValueError, match="such as 2/8"):
        parse_shard(text)


def test_a_shard_is_parsed():
    assert parse_shard("2/8") == (2, 8)
