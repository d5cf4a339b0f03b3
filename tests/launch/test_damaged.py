"""Damaged checkpoints: training and evaluation use the one before, and say so."""

import shutil
from pathlib import Path

import jax
import pytest

from launch.runs.folder import load_run, steps_done
from launch.runs.training import train
from tests.launch.conftest import assert_same_state


@pytest.fixture
def copy(trained, tmp_path) -> Path:
    return shutil.copytree(trained.workdir, tmp_path / "copy")


def change(folder: Path) -> None:
    """Changes one byte of every file of a checkpoint's arrays; some of them may hold nothing that is read again."""
    for path in folder.rglob("d/*"):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 16
        path.write_bytes(content)


def cut(folder: Path) -> None:
    """Cuts all files of a checkpoint's state short."""
    for path in (folder / "state").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(folder: Path) -> None:
    """Removes all files of a checkpoint."""
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.mark.parametrize("harm", [change, cut, empty])
def test_a_run_goes_on_from_the_checkpoint_before_bit_for_bit(trained, copy, capsys, harm):
    harm(copy / "checkpoints" / "latest" / "12")
    assert_same_state(jax.device_get(train(trained.config, copy)), trained.state)
    printed = capsys.readouterr().out
    assert "checkpoint of step 12 is damaged" in printed
    assert "goes on from 8" in printed
    assert (copy / "checkpoints" / "damaged" / "latest_12").exists()
    assert sorted(path.name for path in (copy / "checkpoints" / "latest").iterdir()) == ["12", "8"]
    assert_same_state(jax.device_get(train(trained.config, copy)), trained.state)
    assert "damaged" not in capsys.readouterr().out


def test_a_run_without_a_whole_checkpoint_is_refused_and_left_as_it_is(trained, copy):
    for step in (8, 12):
        cut(copy / "checkpoints" / "latest" / str(step))
    before = sorted(copy.rglob("*"))
    with pytest.raises(ValueError, match=rf"step 12: .*step 8: .*--config\.init_from={copy}"):
        train(trained.config, copy)
    assert sorted(copy.rglob("*")) == before


@pytest.mark.parametrize("harm", [change, cut, empty])
def test_the_newest_is_used_where_the_best_is_damaged(copy, capsys, harm):
    (best,) = (copy / "checkpoints" / "best").iterdir()
    harm(best)
    files = sorted(copy.rglob("*"))
    assert load_run(copy).step == 12
    assert f"damaged checkpoint ({best}" in capsys.readouterr().out
    assert sorted(copy.rglob("*")) == files
    harm(copy / "checkpoints" / "latest" / "12")
    assert load_run(copy).step == 8


def test_a_run_evaluates_on_where_its_best_is_damaged(trained, copy):
    (best,) = (copy / "checkpoints" / "best").iterdir()
    empty(best)
    shutil.rmtree(copy / "checkpoints" / "latest" / "12")
    assert_same_state(jax.device_get(train(trained.config, copy)), trained.state)


def test_several_processes_are_told_which_folder_to_move(trained, copy, monkeypatch):
    monkeypatch.setattr("launch.runs.assembly.steps_to_resume", lambda workdir, _: steps_done(workdir))
    change(copy / "checkpoints" / "latest" / "12")
    with pytest.raises(ValueError, match=r"latest/12 is damaged .*move this folder away"):
        train(trained.config, copy)
