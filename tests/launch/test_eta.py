"""A learnt weight survives what teaches nothing."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from launch.runs.config import Config
from launch.runs.data import check, open_data, state_maker
from launch.runs.eta import eta_learner
from launch.runs.tasks import make_task
from recog.batch import Batch
from recog.mesh import make_mesh
from recog.tasks.branches import WEIGHTS
from recog.training.optimizers import make_optimizer
from recog.training.record import Adapt
from tests.launch.conftest import price_reader


@pytest.fixture(scope="module")
def config(digits) -> Config:
    return price_reader(str(digits))


def learn(config: Config) -> Adapt | None:
    task = make_task(config)
    validation = check(open_data(config)[1], config, task, "validation samples")
    return eta_learner(config, task, validation, optax.constant_schedule(0.1), make_mesh())


@pytest.fixture(scope="module")
def learner(config):
    adapt = learn(config)
    assert adapt is not None
    state = jax.jit(state_maker(config, make_task(config), make_optimizer(config.optimizer, 12)))()
    return adapt, state


def batch(mask: bool) -> Batch:
    images = np.random.default_rng(0).integers(0, 256, (4, 16, 64, 1), np.uint8)
    labels = np.full((4, 4), 3, np.int32)
    widths, lengths = np.full(4, 64 * mask, np.int32), np.full(4, 2 * mask, np.int32)
    return Batch(images, widths, labels, lengths, np.arange(4, dtype=np.int32), np.full(4, mask))


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
def test_negative_settings_are_refused(config, learner, monkeypatch, name, value):
    del learner
    monkeypatch.setattr(config.model, name, value)
    with pytest.raises(ValueError, match=f"model.{name}={value}.*must not be negative"):
        learn(config)


def test_a_rate_without_a_branch_to_act_on_is_said(config, learner, monkeypatch, capsys):
    del learner
    monkeypatch.setattr(config.model, "branches", ("integer", "decimal"))
    assert learn(config) is None
    assert "has nothing to act on" in capsys.readouterr().out
