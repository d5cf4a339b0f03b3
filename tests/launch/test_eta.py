"""A learnt weight survives what teaches nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from launch.runs.assembly import assemble
from launch.runs.config import Config
from launch.runs.eta import eta_learner
from recog.batch import Batch
from recog.tasks.branches import WEIGHTS
from recog.training.record import Adapt
from tests.batches import text_batch
from tests.launch.conftest import plate_reader
from tests.launch.random_state import random_state


@pytest.fixture
def config(digits) -> Config:
    return plate_reader(str(digits))


def learn(config: Config, folder) -> Adapt | None:
    return eta_learner(assemble(config, folder), optax.constant_schedule(0.1))


@pytest.fixture(scope="module")
def learner(digits, tmp_path_factory):
    run = assemble(plate_reader(str(digits)), tmp_path_factory.mktemp("eta"))
    adapt, state = eta_learner(run, optax.constant_schedule(0.1)), random_state(run.config, run.task)
    assert adapt is not None
    return adapt, state.replace(model_state=state.model_state | {WEIGHTS: {"eta": jnp.float32(0.5)}})


def batch(mask: bool) -> Batch:
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 64, 1), np.uint8)
    labels = np.full((4, 4), 3, np.int32)
    return text_batch(images, np.full(4, 64 * mask), labels, np.full(4, 2 * mask, np.int32))


def test_it_moves_with_the_validation_loss(learner):
    adapt, state = learner
    moved, logged = adapt(state, batch(True))
    eta = float(moved.model_state[WEIGHTS]["eta"])
    assert logged["eta"] == pytest.approx(eta)
    assert eta == pytest.approx(0.5 - 0.05 * logged["eta_hypergradient"], rel=1e-5)
    assert eta != 0.5


def test_a_batch_without_a_sample_leaves_it(learner):
    adapt, state = learner
    kept, logged = adapt(state, batch(False))
    assert logged == {"eta": 0.5}
    assert kept is state


def test_what_is_not_finite_leaves_it(learner):
    adapt, state = learner
    broken = state.replace(params=jax.tree.map(lambda p: jnp.full_like(p, jnp.nan), state.params))
    kept, logged = adapt(broken, batch(True))
    assert float(kept.model_state[WEIGHTS]["eta"]) == logged["eta"] == 0.5


@pytest.mark.parametrize(("name", "value"), [("eta", -0.1), ("eta_rate", -1.0)])
def test_negative_settings_are_refused(config, tmp_path, name, value):
    setattr(config.model, name, value)
    with pytest.raises(ValueError, match=f"model.{name}={value}.*choose 0 or more"):
        learn(config, tmp_path)


def test_a_rate_without_a_branch_to_act_on_is_said(config, tmp_path, capsys):
    config.model.branches = ("chinese", "alphanumerics")
    assert learn(config, tmp_path) is None
    assert "has nothing to act on" in capsys.readouterr().out
