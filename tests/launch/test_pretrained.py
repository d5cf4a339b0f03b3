"""Runs that start from the parameters of others."""

import dataclasses
import shutil

import jax
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from launch.configs import plates_china_tuned
from launch.runs.config import AlphabetConfig
from launch.runs.evaluating import evaluate
from launch.runs.folder import load_run
from launch.runs.pretrained import axes_over_classes, pretrained, trained_on_held_out
from launch.runs.tasks import make_task
from launch.runs.training import train
from recog.export.files import CONFIG, PARAMETERS
from recog.models.alexnet import AlexNetConfig
from recog.models.classifier import ClassifierConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.resnet import ResNet18Config
from recog.ops.recurrent import RecurrentConfig
from recog.training.transfer import named_arrays
from tests.launch.tiny_models import two_convolutions


@pytest.fixture
def tuning(config, trained):
    """One step, too small to go anywhere."""
    config.init_from = str(trained.workdir)
    config.seed = 7
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 1e-9, 0
    config.train.steps = 1
    return config


def arrays(workdir):
    return named_arrays(load_run(workdir).variables)


def test_it_starts_where_the_other_ended(tuning, trained, tmp_path, capsys):
    train(tuning, tmp_path)
    step, theirs = load_run(trained.workdir).step, arrays(trained.workdir)
    assert f"starts from step {step} of {trained.workdir}: {len(theirs)} arrays\n" in capsys.readouterr().out
    for path, array in arrays(tmp_path).items():
        if path.startswith("params/"):
            np.testing.assert_allclose(array, theirs[path], atol=1e-7, err_msg=path)


def test_it_needs_the_other_no_more_once_it_has_a_checkpoint(tuning, trained, tmp_path):
    gone = tmp_path / "gone"
    shutil.copytree(trained.workdir, gone)
    tuning.init_from = str(gone)
    train(tuning, tmp_path / "run")
    shutil.rmtree(gone)
    assert int(jax.device_get(train(tuning, tmp_path / "run").step)) == 1
    evaluate(tmp_path / "run")


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        ("x0123456789", "11 of 12 classes are from there, by name, the blank included; new: 'x'\n"),
        ("9876543210", "11 of 11 classes are from there, by name, the blank included\n"),
    ],
)
def test_classes_that_both_have_are_kept(tuning, trained, tmp_path, capsys, tokens, told):
    tuning.alphabet = AlphabetConfig(tokens=tokens, blank="last")
    train(tuning, tmp_path)
    said = capsys.readouterr().out
    assert told in said
    assert "not from there" not in said
    ours, theirs = arrays(tmp_path), arrays(trained.workdir)
    kept = [len(tokens), *map(tokens.index, "0123456789")]
    for name in ("kernel", "bias"):
        path = f"params/classifier/{name}"
        np.testing.assert_allclose(ours[path][..., kept], theirs[path], atol=1e-7)
    np.testing.assert_allclose(ours["params/conv7/kernel"], theirs["params/conv7/kernel"], atol=1e-7)


def test_a_long_list_of_new_classes_is_cut(tuning, capsys):
    tuning.alphabet = AlphabetConfig(name="latin_62")
    pretrained(tuning, make_task(tuning))
    said = capsys.readouterr().out
    assert "11 of 63 classes are from there, by name, the blank included; new: 'a', 'b', " in said
    assert "'i', 'j' and 42 more\n" in said


def test_an_artifact_is_a_start(tuning, trained, exported, capsys):
    theirs = arrays(trained.workdir)
    tuning.init_from = str(exported.folder)
    taken = pretrained(tuning, make_task(tuning))
    step = load_run(trained.workdir).step
    assert f"starts from step {step} of {exported.folder}: {len(theirs)} arrays\n" in capsys.readouterr().out
    assert taken.keys() == theirs.keys()
    for path, array in theirs.items():
        np.testing.assert_array_equal(taken[path], array, err_msg=path)


def test_a_model_of_the_package_is_a_start(capsys):
    config = plates_china_tuned.get_config()
    config.init_from = "zoo:plates"
    taken = pretrained(config, make_task(config)).values()
    assert {np.asarray(array).dtype for array in taken} == {np.dtype(np.float32)}
    said = capsys.readouterr().out
    assert "of zoo:plates: 47 arrays\n" in said
    assert "not from there" not in said


LINEAR = {"params/classifier/kernel": {1: (1, 0)}, "params/classifier/bias": {0: (1, 0)}}
RECURRENT = RecurrentConfig(layers=1, units=2)


@pytest.mark.parametrize(
    ("model", "size", "expected"),
    [
        (two_convolutions(), (32, 64), LINEAR),
        (CRNNPlateConfig(width=0.05, recurrent=RECURRENT), (24, 94), LINEAR),
        (PlateReaderConfig(width=0.05, recurrent=RECURRENT), (32, 220), LINEAR),
        (AlexNetConfig(width=0.05), (24, 94), LINEAR),
        (ResNet18Config(width=0.05), (24, 94), LINEAR),
        (ClassifierConfig(width=0.05, backbone="vgg"), (32, 32), LINEAR),
        (
            MultiTaskConfig(width=0.05, recurrent=RECURRENT, structure="whole", decoder="ctc"),
            (16, 64),
            {f"params/decoders_text/{name}": axes for name, axes in (("kernel", {1: (1, 0)}), ("bias", {0: (1, 0)}))},
        ),
        (
            MultiTaskConfig(width=0.05, recurrent=RECURRENT, structure="whole", units=4),
            (16, 64),
            {
                "params/decoders_text/token": {0: (1, 0)},
                "params/decoders_text/output": {1: (1, 0)},
                "params/decoders_text/output_bias": {0: (1, 0)},
            },
        ),
        (
            LPRNetConfig(width=0.125, graphic=True),
            (24, 94),
            {
                **{f"params/conv3/{name}": {0: (1, 0)} for name in ("norm/bias", "norm/scale")},
                **{f"batch_stats/conv3/{name}": {0: (1, 0)} for name in ("norm/mean", "norm/var")},
                "params/conv3/conv/kernel": {3: (1, 0)},
                "params/conv3/conv/bias": {0: (1, 0)},
                "params/classifier/kernel": {2: (1, 56), 3: (1, 0)},
                "params/classifier/bias": {0: (1, 0)},
                "params/decoder/deconv1/kernel": {2: (1, 56)},
            },
        ),
    ],
    ids=lambda value: type(value).__name__ if dataclasses.is_dataclass(value) else "",
)
def test_axes_over_classes_of_every_kind_of_model(config, model, size, expected):
    config.classes = ("cat", "dog")
    config.model, (config.data.height, config.data.width), config.data.buckets = model, size, ()
    assert axes_over_classes(config, make_task(config)) == expected


def test_what_cannot_be_a_start_is_named(tuning, trained, tmp_path):
    tuning.init_from = str(tmp_path / "misspelt")
    with pytest.raises(FileNotFoundError, match=r"init_from='.*misspelt': .*config\.json does not exist: train"):
        train(tuning, tmp_path / "run")
    tuning.init_from = "zoo:plate"
    with pytest.raises(ValueError, match=r"init_from='zoo:plate': unknown model zoo:plate: did you mean zoo:plates"):
        train(tuning, tmp_path / "run")
    tuning.init_from = str(trained.workdir)
    tuning.data.height, tuning.data.width, tuning.data.buckets = 24, 94, ()
    tuning.model = LPRNetConfig()
    with pytest.raises(ValueError, match="holds a CRNN: a LPRNet can take nothing"):
        train(tuning, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_damaged_artifacts_are_no_start(tuning, exported, tmp_path):
    folder = tmp_path / "artifact"
    shutil.copytree(exported.folder, folder)
    (folder / CONFIG).write_text("{}")
    tuning.init_from = str(folder)
    with pytest.raises(ValueError, match=r"init_from='.*artifact': .*config\.json is missing or empty"):
        pretrained(tuning, make_task(tuning))
    (folder / PARAMETERS).write_bytes(b"damaged")
    with pytest.raises(ValueError, match=r"init_from='.*artifact': .*parameters\.safetensors is damaged"):
        pretrained(tuning, make_task(tuning))


@pytest.mark.parametrize(
    ("theirs", "ours", "leaks"),
    [
        ({"holdout": 0.2}, {"holdout": 0.2}, False),
        ({"holdout": 0.2}, {"holdout": 0.1}, False),
        ({"holdout": 0.1}, {"holdout": 0.2}, True),
        ({"validation": "folder:b"}, {"holdout": 0.2}, True),
        ({"holdout": 0.2}, {"validation": "folder:b"}, False),
        ({"holdout": 0.2}, {}, False),
        ({"holdout": 0.2, "holdout_by": "x"}, {"holdout": 0.2}, True),
        ({"holdout": 0.2}, {"folds": 5}, True),
        ({"folds": 5, "fold": 1}, {"folds": 5, "fold": 1}, False),
        ({"folds": 5, "fold": 1}, {"folds": 5, "fold": 2}, True),
        ({"folds": 5, "fold": 1, "exclude": "list.tsv"}, {"folds": 5, "fold": 1}, False),
        ({"train": "folder:c", "holdout": 0.1}, {"holdout": 0.2}, False),
    ],
)
def test_a_start_that_was_trained_on_held_out_samples(theirs, ours, leaks):
    theirs, ours = (DataConfig(**{"train": "folder:a", **settings}) for settings in (theirs, ours))
    assert trained_on_held_out(theirs, ours) is leaks


def test_such_a_start_is_noted(tuning, trained, tmp_path, capsys):
    held_out = load_run(trained.workdir).config.data
    tuning.data.train, tuning.data.validation, tuning.data.holdout = held_out.train, "", 0.5
    assert trained_on_held_out(held_out, tuning.data)
    pretrained(tuning, load_run(trained.workdir).task)
    assert f"note: {trained.workdir} held out other samples of {held_out.train}" in capsys.readouterr().out
