"""The prepare command: published sets become sources that can be trained on, and sources are shown and reported."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from datasets.builders import BUILDERS, render
from datasets.builders.prepare import make_builder, prepare_set
from datasets.specs import open_source
from datasets.tfds_source import Tfds
from launch import prepare
from launch.runs.lock import try_lock
from recog.cli.disk import DiskFullError
from tests.launch.in_process import run_main
from tests.launch.pictures import write_folder

PLATE = "025-95_113-154&383_386&473-386&473_177&454_154&383_363&402-0_0_22_27_27_33_16-37-15.jpg"


@pytest.fixture
def prices(tmp_path) -> Path:
    folder = tmp_path / "prices"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((24, 70, 3), 80 * number, np.uint8))
    (folder / "train.txt").write_text("0.png 1.50\n1.png 20\n")
    (folder / "test.txt").write_text("2.png 7.99\n")
    return folder


def test_a_set_is_prepared_and_read(prices, tmp_path, capsys):
    folder = prepare_set("price_tags", prices, tmp_path / "out")
    assert folder == tmp_path / "out" / "price_tags" / "1.0.0"
    out = capsys.readouterr().out
    assert out.startswith(f"{folder}, ")
    assert "  train: 2 samples\n  test: 1 samples\n" in out
    source = Tfds(tmp_path / "out" / "price_tags", "train")
    assert [(sample.image, sample.label) for sample in source] == [
        ((prices / "0.png").read_bytes(), "1.50"),
        ((prices / "1.png").read_bytes(), "20"),
    ]


def test_what_is_there_is_not_made_again(prices, tmp_path, capsys):
    first = prepare_set("price_tags", prices, tmp_path / "out")
    (prices / "train.txt").write_text("0.png 9\n")
    assert prepare_set("price_tags", prices, tmp_path / "out") == first
    assert "exists already: remove it to prepare the set again" in capsys.readouterr().out
    assert len(Tfds(first, "train")) == 2


def test_malformed_entries(prices, tmp_path, capsys):
    (prices / "train.txt").write_text("0.png 1.50\n1.png free\n9.png 3\n")
    with pytest.raises(ValueError, match=r"train\.txt:2 \(1\.png\): 'free'.*\n.*--on_bad_sample=skip"):
        prepare_set("price_tags", prices, tmp_path / "out")
    folder = prepare_set("price_tags", prices, tmp_path / "out", "skip")
    out = capsys.readouterr().out
    assert f"2 malformed entries were left out, all listed in {folder}/skipped.tsv:" in out
    assert "  train.txt:2 (1.png): 'free'" in out
    assert "..." not in out
    assert len(Tfds(folder, "train")) == 1


def test_both_configurations_of_plates_stand_side_by_side(tmp_path):
    picture = tmp_path / "ccpd" / "ccpd_rotate" / PLATE
    picture.parent.mkdir(parents=True)
    cv2.imwrite(str(picture), np.zeros((600, 500, 3), np.uint8))
    folders = {name: prepare_set(name, tmp_path / "ccpd", tmp_path / "out") for name in ("ccpd", "ccpd/box")}
    assert [folder.parent.name for folder in folders.values()] == ["rectified", "box"]
    for folder in folders.values():
        (sample,) = Tfds(folder, "rotate")
        assert sample.label == "皖AY339S"
    with pytest.raises(ValueError, match="holds several sets"):
        Tfds(tmp_path / "out" / "ccpd", "rotate")


@pytest.mark.parametrize("builder", BUILDERS)
def test_a_folder_without_the_files_says_which_are_needed(builder, tmp_path):
    source = tmp_path / "source"
    with pytest.raises(FileNotFoundError, match="is not a folder with files") as caught:
        prepare_set(builder.name, source, tmp_path / "out")
    assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS in str(caught.value)
    source.mkdir()
    (source / "something.else").touch()
    with pytest.raises(FileNotFoundError) as caught:
        prepare_set(builder.name, source, tmp_path / "out")
    assert builder.MANUAL_DOWNLOAD_INSTRUCTIONS in str(caught.value)
    assert not list((tmp_path / "out" / builder.name).rglob("*1.0.0*"))


@pytest.mark.parametrize("name", ["imagenet", "ccpd/round", "svt/box", ""])
def test_an_unknown_set_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"choose one of synth90k, .*ccpd/rectified, ccpd/box, .*primus/agnostic"):
        make_builder(name, tmp_path, "raise")


def test_the_command(prices, tmp_path):
    flags = ("--dataset=price_tags", f"--source={prices}", f"--data_dir={tmp_path / 'out'}")
    done = subprocess.run([sys.executable, "-m", "launch.prepare", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "train: 2 samples" in done.stdout
    assert "ownload" not in done.stdout + done.stderr


def test_its_previews_and_reports(tmp_path, capsys):
    folder = write_folder(tmp_path / "in", "皖A12345", "京A1234")
    run_main(prepare, f"--preview=folder:{folder}", f"--out={tmp_path / 'sheet.png'}")
    assert capsys.readouterr().out == f"2 of 2 samples of folder:{folder}: {tmp_path / 'sheet.png'}\n"
    configuration = ["--config=launch/configs/lprnet.py", "--config.data.max_label_length=6"]
    run_main(prepare, "--report", f"--data=folder:{folder}", f"--out={tmp_path / 'out'}", *configuration)
    found = capsys.readouterr().out
    assert f"  2 of 2 samples looked at, 1 can be used\n  label too long: 1, such as {folder}/labels.tsv:1" in found
    assert found.endswith(f"--config.alphabet.file={tmp_path / 'out' / 'alphabet.txt'} --config.alphabet.name=\n")
    assert (tmp_path / "out" / "report.png").exists()


def test_renderings_are_stored_once(tmp_path, capsys):
    flags = ["--render=plates:seed=5,height=24,width=94", "--count=4", f"--data_dir={tmp_path}", "--name=small"]
    run_main(prepare, *flags)
    use = f"use it as tfds:{tmp_path}/small:train, such as --config.data.train=tfds:{tmp_path}/small:train\n"
    assert capsys.readouterr().out.endswith(use)
    assert len(open_source(f"tfds:{tmp_path}/small:train")) == 4
    run_main(prepare, *flags)
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path}/small/1.0.0 is complete already\n")
    assert out.endswith(use)
    with pytest.raises(ValueError, match="jpeg_quality is None there and 90 here"):
        run_main(prepare, *flags, "--jpeg_quality=90")


def test_one_command_at_a_time_renders_into_a_folder(tmp_path):
    flags = ["--render=music", "--count=1", f"--data_dir={tmp_path}"]
    run_main(prepare, *flags)
    lock = try_lock(tmp_path / "music" / "1.0.0")
    assert lock, "the command has let go of the folder"
    with lock, pytest.raises(ValueError, match=r"music/1\.0\.0 is in use"):
        run_main(prepare, *flags)


def test_a_rendering_that_fills_the_disk_says_what_goes_on(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("shard cannot be written: No space left on device")

    monkeypatch.setattr(render, "write_all", full)
    with pytest.raises(DiskFullError, match="goes on from the shards that are written"):
        run_main(prepare, "--render=music", "--count=1", f"--data_dir={tmp_path}")


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "exactly one of --dataset=NAME"),
        (["--dataset=svt"], "--dataset needs --source and --data_dir as well"),
        (["--dataset=nothing", "--source=/", "--data_dir=out"], "--dataset='nothing': choose one of"),
        (["--render=plates", "--count=3"], "--render needs --data_dir as well"),
        (["--report", "--data=plates", "--workers=3"], "--workers goes with --render, not with --report"),
        (["--report"], "--report needs --data as well"),
        (["--preview=plates", "--height=20"], "--height goes with --report, not with --preview"),
    ],
)
def test_flags_that_do_not_go_together_are_named(flags, message):
    with pytest.raises(ValueError, match=message):
        run_main(prepare, *flags)
