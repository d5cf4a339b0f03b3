"""Shares of a grid: the cells of each machine, and the order in which each process of a machine tries them."""

from collections.abc import Sequence

from launch.ablation.grid import Cell


def parse_shard(text: str) -> tuple[int, int]:
    """Parses ``2/8`` into two numbers; raises ``ValueError`` where the text has another form."""
    which, slash, count = text.partition("/")
    if not (slash and which.isdecimal() and count.isdecimal() and 1 <= int(which) <= int(count)):
        raise ValueError(f"--shard={text}: write the number of this machine and of all machines, such as 2/8")
    return int(which), int(count)


def share(cells: Sequence[Cell], which: int, count: int) -> list[Cell]:
    """Returns the cells of one machine: whole combinations where there is one for every machine, else single cells.

    They are dealt to and fro (1, 2, 3, 3, 2, 1, ...), because costs mostly grow along an axis.

    Args:
      cells: all cells of the grid.
      which: number of the machine, from 1.
      count: number of machines.

    Raises:
      ValueError: there are more machines than cells.
    """
    if count > len(cells):
        raise ValueError(f"--shard={which}/{count}: the grid has {len(cells)} cells: use at most as many machines")
    combinations = list(dict.fromkeys(cell.labels for cell in cells))
    if count > len(combinations):
        return list(cells[which - 1 :: count])
    to_and_fro = [*range(1, count + 1), *range(count, 0, -1)]
    mine = {labels for place, labels in enumerate(combinations) if to_and_fro[place % len(to_and_fro)] == which}
    return [cell for cell in cells if cell.labels in mine]


def in_order(cells: Sequence[Cell], job: int, jobs: int) -> list[Cell]:
    """Sorts a machine's cells so that its processes begin with different combinations.

    Args:
      cells: the machine's share.
      job: number of the process, from 0.
      jobs: number of processes.
    """
    combinations = list(dict.fromkeys(cell.labels for cell in cells))
    turn = {labels: (place - job) % jobs for place, labels in enumerate(combinations)}
    return sorted(cells, key=lambda cell: turn[cell.labels])
