"""Runs that start from the parameters of others."""

import shutil

import jax
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig
from launch.runs.evaluating import evaluate
from launch.runs.folder import load_run
from launch.runs.pretrained import pretrained, trained_on_held_out
from launch.runs.training import train
from recog.models.lprnet import LPRNetConfig
from recog.training.transfer import named_arrays


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


@pytest.mark.parametrize("tokens", ["0123456789x", "9876543210"])
def test_classes_of_other_tokens_start_anew(tuning, trained, tmp_path, capsys, tokens):
    tuning.alphabet = AlphabetConfig(tokens=tokens)
    train(tuning, tmp_path)
    said = capsys.readouterr().out
    assert "2 are not from there, whose classes differ: params/classifier/bias, params/classifier/kernel\n" in said
    ours, theirs = arrays(tmp_path), arrays(trained.workdir)
    np.testing.assert_allclose(ours["params/conv7/kernel"], theirs["params/conv7/kernel"], atol=1e-7)
    assert not np.allclose(ours["params/classifier/kernel"][:, :11], theirs["params/classifier/kernel"], atol=1e-3)


def test_what_cannot_be_a_start_is_named(tuning, trained, tmp_path):
    tuning.init_from = str(tmp_path / "misspelt")
    with pytest.raises(FileNotFoundError, match=r"init_from='.*misspelt': .*config\.json does not exist: train"):
        train(tuning, tmp_path / "run")
    tuning.init_from = str(trained.workdir)
    tuning.data.height, tuning.data.width, tuning.data.buckets = 24, 94, ()
    tuning.model = LPRNetConfig()
    with pytest.raises(ValueError, match="holds a CRNN: a LPRNet can take nothing"):
        train(tuning, tmp_path / "run")
    assert not (tmp_path / "run").exists()


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
