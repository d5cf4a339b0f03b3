"""From a work folder to an artifact to lines of text, as the commands do it."""

import subprocess
import sys

import cv2
import jax
import numpy as np
import pytest

from launch.runs.config import to_json
from launch.runs.data import state_maker
from launch.runs.folder import claim
from launch.runs.tasks import make_task
from recog.export.artifact import FILES, Artifact
from recog.serving.files import find_pictures, read_files
from recog.training.checkpoints import Checkpoints
from recog.training.optimizers import make_optimizer
from tests.launch.conftest import tiny_config


def command(*arguments) -> subprocess.CompletedProcess:
    """Runs ``python -m launch...``."""
    return subprocess.run([sys.executable, "-m", *map(str, arguments)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def workdir(digits, tmp_path_factory):
    """A run that was evaluated before its first step."""
    folder, config = tmp_path_factory.mktemp("run"), tiny_config(str(digits))
    claim(folder, {"config": to_json(config)})
    task = make_task(config)
    state = jax.jit(state_maker(config, task, make_optimizer(config.optimizer, config.train.steps)))()
    card = {"alphabet": task.alphabet.to_dict(), "config": to_json(config)}
    with Checkpoints(folder, card) as checkpoints:
        checkpoints.save_if_best(state, 7, {"accuracy": 0.25})
    return folder


@pytest.fixture(scope="module")
def exported(workdir, tmp_path_factory):
    """What the command said, and the artifact it wrote."""
    out = tmp_path_factory.mktemp("out") / "artifact"
    return command("launch.export", f"--workdir={workdir}", f"--out={out}"), out


@pytest.fixture
def gallery(tmp_path):
    """A folder of pictures, some below another folder, among other files."""
    random = np.random.default_rng(0)
    (tmp_path / "gallery" / "more").mkdir(parents=True)
    for name, size in (("b.png", (32, 40, 3)), ("a.JPG", (50, 90, 3)), ("more/c.bmp", (20, 20, 3))):
        assert cv2.imwrite(str(tmp_path / "gallery" / name), random.integers(0, 256, size).astype(np.uint8))
    (tmp_path / "gallery" / "labels.tsv").write_text("b.png\t1\n")
    return tmp_path / "gallery"


def test_export_says_what_it_wrote(exported, workdir):
    done, out = exported
    assert done.returncode == 0, done.stderr
    for name in FILES:
        size = (out / name).stat().st_size
        assert f"{size:>12,}  {out / name}" in done.stdout.splitlines()
    assert "step 7; agrees with the live model on 8 random pictures" in done.stdout
    card = Artifact.load(out).card
    assert (card.step, card.metrics, card.channels) == (7, {"accuracy": 0.25}, 1)
    assert card.training_data.startswith("folder:")
    assert card.validation_data == "25% of the training data, held out"
    assert (out / "config.json").read_text() == (workdir / "config.json").read_text()


def test_predict_reads_what_it_can(exported, gallery, tmp_path):
    _, out = exported
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "nothing").mkdir()
    paths = [gallery / "b.png", tmp_path / "missing.png", tmp_path / "nothing", tmp_path / "broken.png", gallery]
    done = command("launch.predict", f"--artifact={out}", "--batch_size=2", *paths, tmp_path / "empty.jpg")
    assert done.returncode == 1
    lines = [line.split("\t") for line in done.stdout.splitlines()]
    assert [line[0] for line in lines] == [str(gallery / n) for n in ("b.png", "a.JPG", "b.png", "more/c.bmp")]
    assert lines[0] == lines[2]
    for _, text, confidence in lines:
        assert set(text) <= set("0123456789")
        assert 0 <= float(confidence) <= 1
    errors = done.stderr.splitlines()
    assert errors[0] == f"error: {tmp_path / 'missing.png'}: No such file or directory"
    assert errors[1] == f"error: {tmp_path / 'nothing'}: a folder without pictures"
    assert errors[2].startswith(f"error: {tmp_path / 'broken.png'}: not a picture")
    assert errors[3].startswith(f"error: {tmp_path / 'empty.jpg'}: not a picture")
    assert len(errors) == 4


def test_predict_is_quiet_when_all_is_well_and_says_what_is_wrong_with_an_artifact(exported, gallery, tmp_path):
    _, out = exported
    done = command("launch.predict", f"--artifact={out}", gallery)
    assert (done.returncode, done.stderr, len(done.stdout.splitlines())) == (0, "", 3)
    done = command("launch.predict", f"--artifact={tmp_path}", gallery)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {tmp_path} lacks card.json, program.bin")
    assert "Traceback" not in done.stderr


def test_batches_change_nothing(exported, gallery):
    artifact = Artifact.load(exported[1])
    paths = find_pictures([str(gallery), str(gallery / "missing.png"), str(gallery)])
    assert len(paths) == 7
    results = [list(read_files(artifact, paths, size)) for size in (1, 7)]
    for (path, one), (same, other) in zip(*results, strict=True):
        assert path == same
        if isinstance(one, str) or isinstance(other, str):
            assert one == other == "No such file or directory"
        else:
            assert one.text == other.text
            assert one.confidence == pytest.approx(other.confidence, abs=1e-5)


def test_folders_are_searched_in_order(gallery):
    found = find_pictures([str(gallery / "more"), str(gallery), str(gallery / "labels.tsv"), "no/such"])
    names = ["more/c.bmp", "a.JPG", "b.png", "more/c.bmp", "labels.tsv"]
    assert [str(path) for path in found] == [*(str(gallery / name) for name in names), "no/such"]
