"""A classifier with a frozen backbone trains on features computed once, as if it saw the pictures at each step."""

import copy
import dataclasses
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.features import Features
from datasets.pipeline import DataConfig
from datasets.plan import Planned
from launch.runs import training
from launch.runs.assembly import Run, assemble
from launch.runs.config import Config
from launch.runs.evaluating import evaluate
from launch.runs.folder import load_run
from launch.runs.frozen_features import frozen_features
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.batch import Batch
from recog.codecs import ClassTargets
from recog.models.classifier import ClassifierConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig
from recog.training.state import TrainState
from recog.training.writers import load_metrics
from tests.launch.conftest import StopAfter
from tests.launch.pictures import write_dark_and_bright


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    folder = tmp_path_factory.mktemp("pictures")
    write_dark_and_bright(folder, 20)
    return Config(
        classes=("dark", "bright"),
        data=DataConfig(train=f"folder:{folder}", holdout=0.25, batch_size=6, height=16, width=16, channels=3),
        model=ClassifierConfig(width=1 / 64, backbone="vgg", dropout=0.3),
        augment=AugmentConfig(flip=0.5),
        optimizer=OptimizerConfig(learning_rate=0.03, schedule="constant", freeze="^backbone/", average=0.9),
        train=LoopConfig(steps=8, log_every=1, evaluate_every=0, checkpoint_every=0),
    )


class Trained(NamedTuple):
    """A run that computed features once."""

    workdir: Any
    state: TrainState


@pytest.fixture(scope="module")
def cached(config, tmp_path_factory) -> Trained:
    """A run that was cut off and went on."""
    folder = tmp_path_factory.mktemp("cached")
    training.train(config, folder, stop=StopAfter(3))
    return Trained(folder, training.train(config, folder))


def losses(workdir) -> list[float]:
    lines = load_metrics(workdir / "metrics.jsonl")
    return [line["train/cross_entropy_loss"] for line in lines if "train/cross_entropy_loss" in line]


def test_losses_are_those_of_training_on_pictures(config, cached, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "frozen_features", lambda runs, state: None)
    state = training.train(config, tmp_path)
    assert len(losses(cached.workdir)) == 8
    np.testing.assert_allclose(losses(cached.workdir), losses(tmp_path), rtol=1e-5)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), cached.state, state)


def test_a_resumed_run_ends_as_one_without_interruption_and_tells_what_it_does(config, cached, tmp_path, capsys):
    state = training.train(config, tmp_path)
    jax.tree.map(np.testing.assert_array_equal, cached.state, state)
    shown = capsys.readouterr()
    parameters = jax.tree.leaves(state.params)
    head = sum(x.size for x in jax.tree.leaves(state.params["classifier"]))
    assert f"trains {head} of {sum(x.size for x in parameters):,} parameters" in shown.out
    assert "features of 15 training samples and their mirror images computed once, 8 numbers each" in shown.out
    assert "compiles for features of 8 numbers" in shown.out + shown.err


def test_the_average_is_measured_evaluated_and_loaded(cached, tmp_path):
    state = jax.device_get(cached.state)
    assert (state.averaged["params"]["classifier"]["kernel"] != state.params["classifier"]["kernel"]).any()
    run = load_run(cached.workdir)
    jax.tree.map(np.testing.assert_array_equal, run.variables, state.averaged)
    assert evaluate(cached.workdir, out=tmp_path)["log_loss"] == pytest.approx(run.metrics["log_loss"], rel=1e-6)


@pytest.fixture(scope="module")
def run(config, tmp_path_factory) -> Run:
    return assemble(config, tmp_path_factory.mktemp("assembled"))


def changed(run: Run, **options: Any) -> Run:
    """The run with other settings, by section of the configuration."""
    config = copy.deepcopy(run.config)
    for section, values in options.items():
        setattr(config, section, dataclasses.replace(getattr(config, section), **values))
    task = make_task(config)
    return run._replace(config=config, task=task, shapes=abstract_state(config, task))


@pytest.mark.parametrize(
    "options",
    [
        {"augment": {"translate": 0.1}},
        {"optimizer": {"freeze": ""}},
        {"optimizer": {"freeze": "^backbone/conv1"}},
        {"optimizer": {"freeze": "^backbone/.*kernel"}},  # statistics go on
        {"train": {"steps": 2}},  # most samples would be computed and not used
    ],
)
def test_pictures_are_trained_on_where_features_change_or_do_not_pay(run, options):
    assert frozen_features([changed(run, **options)], run.shapes) is None


def test_mirror_images_are_computed_only_to_be_drawn(run):
    state = jax.tree.map(lambda x: jnp.full(x.shape, 0.1, x.dtype), run.shapes)
    both, one = (frozen_features([changed(run, augment={"flip": flip})], state) for flip in (0.1, 0.0))
    assert both
    assert one
    assert both.values.shape == (15, 2, 8)
    np.testing.assert_array_equal(both.values[:, 0], one.values)


def test_runs_with_different_backbones_train_on_pictures(run):
    state = jax.tree.map(lambda x: jnp.arange(2.0).reshape(2, *[1] * x.ndim) * jnp.ones(x.shape), run.shapes)
    assert frozen_features([run, run], state) is None


def test_features_make_the_planned_batches():
    def batch(ids, features):
        ids = np.array(ids)
        sizes = np.full((len(ids), 2), 16, np.int32)
        return Batch(np.array(features, np.float32), sizes, ClassTargets(ids % 2), ids, ids >= 0)

    features = Features.join([batch([4, 7], [[1, 2], [3, 4]]), batch([9, -1], [[5, 6], [7, 8]])])
    made = features(Planned(16, np.array([9, 5, 4, -1])))  # 5 could not be loaded
    np.testing.assert_array_equal(made.images, [[5, 6], [0, 0], [1, 2], [0, 0]])
    np.testing.assert_array_equal(made.ids, [9, -1, 4, -1])
    np.testing.assert_array_equal(made.mask, [True, False, True, False])
    np.testing.assert_array_equal(made.targets.classes, [1, 0, 0, 0])
    np.testing.assert_array_equal(made.sizes[:, 0], [16, 0, 16, 0])
