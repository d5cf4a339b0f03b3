"""Workers take cells, train them, and save how each ended."""

import errno
import itertools
import os

import pytest

from launch.ablation import worker
from launch.ablation.grid import folder_of
from launch.ablation.outcomes import (
    DIVERGED,
    FAILED,
    FINISHED,
    RUNNING,
    WAITING,
    Outcome,
    load_outcome,
    take,
    write_outcome,
)
from launch.ablation.worker import logged_to, work


def statuses(cells, workdir):
    return [load_outcome(folder_of(workdir, cell)).status for cell in cells]


@pytest.mark.parametrize(("together", "sizes"), [(8, [3, 3]), (2, [2, 1, 2, 1]), (1, [1] * 6)])
def test_cells_of_one_shape_train_together(cells, training, tmp_path, together, sizes):
    work(cells, tmp_path, together)
    assert list(map(len, training.groups)) == sizes
    assert sorted(itertools.chain(*training.groups)) == sorted(cell.name for cell in cells)
    assert statuses(cells, tmp_path) == [FINISHED] * 6


@pytest.mark.parametrize(("jobs", "sizes"), [(1, [3, 3]), (2, [3, 2, 1]), (3, [2, 1, 1, 1, 1]), (9, [1] * 6)])
def test_none_takes_more_than_its_part(cells, training, tmp_path, jobs, sizes):
    work(cells, tmp_path, together=8, jobs=jobs)
    assert sorted(map(len, training.groups), reverse=True) == sizes


def test_a_folder_that_cannot_be_made_is_passed_over(cells, training, tmp_path, capfd):
    folder_of(tmp_path, cells[0]).parent.mkdir()
    folder_of(tmp_path, cells[1]).symlink_to(tmp_path / "nowhere" / "at all")
    work(cells, tmp_path, together=8)
    assert statuses(cells, tmp_path) == [FINISHED, WAITING, *[FINISHED] * 4]
    (line,) = set(capfd.readouterr().out.splitlines())
    assert line.startswith("passed over: ")
    assert cells[1].name in line


def test_a_file_system_without_locks_ends_the_worker(cells, training, tmp_path, monkeypatch):
    def refuse(folder):
        raise OSError(errno.ENOLCK, "No locks available", str(folder))

    monkeypatch.setattr(worker, "take", refuse)
    with pytest.raises(OSError, match="No locks available"):
        work(cells, tmp_path, together=8)
    assert statuses(cells, tmp_path) == [WAITING] * 6


def test_finished_failed_and_locked_cells_are_passed_over(cells, training, tmp_path):
    for place, status in [(0, FINISHED), (1, DIVERGED), (3, FAILED)]:
        folder_of(tmp_path, cells[place]).mkdir(parents=True, exist_ok=True)
        write_outcome(folder_of(tmp_path, cells[place]), Outcome(status))
    held = take(folder_of(tmp_path, cells[4]))
    assert held is not None
    with held:
        work(cells, tmp_path, together=8)
    assert training.groups == [[cells[2].name], [cells[5].name]]
    assert statuses(cells, tmp_path) == [FINISHED, DIVERGED, FINISHED, FAILED, RUNNING, FINISHED]


def test_one_that_fails_stops_no_other(cells, training, tmp_path):
    training.breaks_together = True
    training.fails = {cells[1].name}
    training.diverges = {cells[4].name}
    work(cells, tmp_path, together=8)
    assert statuses(cells, tmp_path) == [FINISHED, FAILED, FINISHED, FINISHED, DIVERGED, FINISHED]
    failed = folder_of(tmp_path, cells[1])
    assert load_outcome(failed).message == "OSError: disk full"
    assert "disk full" in (failed / "log.txt").read_text()
    assert "one after the other" in (folder_of(tmp_path, cells[0]) / "log.txt").read_text()
    assert load_outcome(folder_of(tmp_path, cells[4])).message == "not finite"


@pytest.mark.parametrize("late", [False, True], ids=["before the last step", "after it"])
def test_asked_to_stop_it_leaves_the_rest(cells, training, tmp_path, late):
    training.stops, training.stops_late = {cells[0].name}, late
    work(cells, tmp_path, together=2)
    assert len(training.groups) == 1
    assert statuses(cells, tmp_path) == ([FINISHED] * 2 if late else [WAITING] * 2) + [WAITING] * 4


def test_printed_lines_are_logged_and_then_shown_again(tmp_path, capfd):
    with logged_to(tmp_path / "log.txt"):
        print("inside")
        os.write(2, b"of a library\n")
    print("outside")
    assert set((tmp_path / "log.txt").read_text().splitlines()) == {"inside", "of a library"}
    assert capfd.readouterr().out == "outside\n"
