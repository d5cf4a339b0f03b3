"""From a work folder to an artifact to lines of text, as the commands do it."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

import launch.predict
from launch.runs.exporting import export
from launch.runs.folder import load_run
from recog.export.artifact import Artifact
from recog.export.files import FILES, ArtifactError
from recog.serving.files import find_pictures, read_files
from tests.launch.in_process import parsed


@pytest.fixture
def gallery(tmp_path):
    """A folder of pictures, some below another folder, among other files."""
    random = np.random.default_rng(0)
    (tmp_path / "gallery" / "more").mkdir(parents=True)
    for name, size in (("b.png", (32, 40, 3)), ("a.JPG", (50, 90, 3)), ("more/c.bmp", (20, 20, 3))):
        assert cv2.imwrite(str(tmp_path / "gallery" / name), random.integers(0, 256, size).astype(np.uint8))
    (tmp_path / "gallery" / "labels.tsv").write_text("b.png\t1\n")
    return tmp_path / "gallery"


def test_export_says_what_it_wrote(exported, trained):
    out, output = exported
    for name in FILES:
        size = (out / name).stat().st_size
        assert f"{size:>12,}  {out / name}" in output.splitlines()
    run = load_run(trained.workdir)
    assert f"step {run.step}; agrees with the live model on 8 random pictures" in output
    card = Artifact.load(out).card
    assert (card.step, card.metrics, card.preprocess.channels) == (run.step, run.metrics, 1)
    assert card.training_data.startswith("folder:")
    assert card.validation_data == "25% of the training data, held out"
    assert (out / "config.json").read_text() == (trained.workdir / "config.json").read_text()
    assert (out / "codec.json").read_text() == (trained.workdir / "codec.json").read_text()


def test_a_reader_is_exported_with_the_size_of_its_training(trained, tmp_path):
    with pytest.raises(ValueError, match="--height and --width are for detectors"):
        export(trained.workdir, tmp_path / "artifact", height=64)


def test_the_command_reads_what_it_can(exported, gallery, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "nothing").mkdir()
    paths = [gallery / "b.png", tmp_path / "missing.png", tmp_path / "nothing", tmp_path / "broken.png", gallery]
    command = [sys.executable, "-m", "launch.predict", f"--artifact={exported.folder}", "--batch_size=2"]
    command += map(str, [*paths, tmp_path / "empty.jpg"])
    done = subprocess.run(command, capture_output=True, text=True)
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


@pytest.fixture
def predict(capsys, monkeypatch):
    """Calls the command in this process; gives its exit status, standard output and standard error."""
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def call(artifact, *paths):
        with parsed(launch.predict, f"--artifact={artifact}"), pytest.raises(SystemExit) as ended:
            launch.predict.main(["predict", *map(str, paths)])
        output, errors = capsys.readouterr()
        return int(ended.value.code or 0), output, errors

    return call


def test_predict_is_quiet_when_all_is_well(exported, gallery, predict):
    status, output, errors = predict(exported.folder, gallery)
    assert (status, errors, len(output.splitlines())) == (0, "", 3)


def test_what_is_no_artifact_is_said(gallery, predict, tmp_path):
    with pytest.raises(ArtifactError, match=f"{tmp_path} lacks card.json"):
        predict(tmp_path, gallery)


def test_batches_change_nothing(exported, gallery):
    artifact = Artifact.load(exported.folder)
    paths = find_pictures([str(gallery), str(gallery / "missing.png"), str(gallery)])
    assert len(paths) == 7
    results = [list(read_files(artifact, paths, size)) for size in (1, 7)]
    for (path, one), (same, other) in zip(*results, strict=True):
        assert path == same
        if isinstance(one, str) or isinstance(other, str):
            assert one == other == "No such file or directory"
        else:
            assert [reading.text for reading in one] == [reading.text for reading in other]
            assert one[0].confidence == pytest.approx(other[0].confidence, abs=1e-5)


def test_folders_are_searched_in_order(gallery):
    found = find_pictures([str(gallery / "more"), str(gallery), str(gallery / "labels.tsv"), "no/such"])
    names = ["more/c.bmp", "a.JPG", "b.png", "more/c.bmp", "labels.tsv"]
    assert [str(path) for path in found] == [*(str(gallery / name) for name in names), "no/such"]


def test_files_of_operating_systems_are_passed_over_in_folders_and_taken_by_name(gallery):
    expected = find_pictures([str(gallery)])
    (gallery / "__MACOSX").mkdir()
    for name in ("._a.JPG", "more/._c.bmp", "__MACOSX/a.JPG", ".DS_Store", "Thumbs.db"):
        (gallery / name).write_bytes(b"Mac OS X")
    assert find_pictures([str(gallery)]) == expected
    assert find_pictures([str(gallery / "._a.JPG")]) == [gallery / "._a.JPG"]
    assert find_pictures([str(gallery / "__MACOSX")]) == [gallery / "__MACOSX" / "a.JPG"]
