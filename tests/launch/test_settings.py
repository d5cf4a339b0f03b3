"""Settings that are arrays of the compiled step: which they are, and that a change of them compiles nothing."""

import copy
import dataclasses
import functools
from typing import Any

import jax
import numpy as np
import pytest

from launch.runs.config import AlphabetConfig, Config
from launch.runs.data import shape_of_batch
from launch.runs.settings import LARGEST_SEED, array_settings, stack_key, with_settings
from launch.runs.states import abstract_state, advance_of, state_of
from launch.runs.tasks import make_task
from recog.mesh import by_parameter, make_mesh
from recog.models.crnn import CRNNConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.step import jit_train_step, zero_totals

CONFIG = Config(
    alphabet=AlphabetConfig(name="digits"),
    model=CRNNConfig(
        width=0.02, without=(2, 3, 4, 5, 6), batch_norm=(), recurrent=RecurrentConfig(layers=1, units=4), dropout=0.5
    ),
    augment=AugmentConfig(noise=0.05),
)
CONFIG.data.batch_size, CONFIG.data.max_label_length = 2, 2


def changed(**settings) -> Config:
    return with_settings(CONFIG, {name.replace("__", "."): value for name, value in settings.items()})


OTHERS = [
    changed(seed=7),
    changed(optimizer__learning_rate=0.5),
    changed(optimizer__warmup_steps=3),
    changed(train__steps=17),
    changed(model__dropout=0.25),
]


@pytest.fixture(scope="module")
def trained():
    """The state after one step with each configuration, and how many programs that took."""
    task, mesh = make_task(CONFIG), make_mesh()
    shapes, batch = abstract_state(CONFIG, task), shape_of_batch(CONFIG.data, task.codec)
    random = np.random.default_rng(0)
    batch = jax.tree.map(lambda x: np.ones(x.shape, x.dtype), batch)._replace(
        images=random.integers(0, 256, batch.images.shape, np.uint8),
        sizes=np.full((2, 2), (32, batch.images.shape[2]), np.int32),
    )
    step_of = advance_of(CONFIG, task.codec, None)
    step: Any = jit_train_step(step_of, mesh, by_parameter(mesh, shapes))
    fresh: Any = jax.jit(functools.partial(state_of, CONFIG, task.codec, None))
    states = []
    for config in (CONFIG, CONFIG, *OTHERS):
        (settings,) = array_settings([config])
        totals = zero_totals(step_of(settings), shapes, batch)
        state = fresh(settings).replace(step=np.int32(5), optimizer_states=at_count(fresh(settings), 5))
        states.append(jax.device_get(step(settings, state, totals, batch)[0].params))
    return states, step._cache_size() + fresh._cache_size()


def at_count(state, count):
    """Optimizer states as if so many steps had been done, so that warm-up and schedule matter."""
    return jax.tree.map(
        lambda x: np.full(x.shape, count, x.dtype) if x.dtype == np.int32 else x, state.optimizer_states
    )


def test_a_change_of_them_compiles_nothing(trained):
    _, programs = trained
    assert programs == 2


def test_each_of_them_matters(trained):
    (first, again, *others), _ = trained
    jax.tree.map(np.testing.assert_array_equal, first, again)
    for config, other in zip(OTHERS, others, strict=True):
        same = [np.array_equal(a, b) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(other), strict=True)]
        assert not all(same), config


def test_a_dropout_of_zero_draws_no_random_numbers():
    plain = copy.deepcopy(CONFIG)
    plain.model.dropout = 0.0
    assert "model.dropout" not in array_settings([plain])[0]
    assert [settings["model.dropout"] for settings in array_settings([plain, CONFIG])] == [0.0, 0.5]


def test_models_name_their_own():
    config = dataclasses.replace(CONFIG, model=PlateReaderConfig())
    assert {"model.dropout", "model.transformer.dropout"} <= array_settings([config])[0].keys()


def test_runs_that_differ_in_them_can_train_together_but_for_their_length():
    alike = [stack_key(config) == stack_key(CONFIG) for config in OTHERS]
    assert alike == [True, True, True, False, True]
    assert stack_key(changed(optimizer__clip_norm=1.0)) != stack_key(CONFIG)


@pytest.mark.parametrize("seed", [-1, LARGEST_SEED + 1])
def test_seeds_have_a_range(seed):
    with pytest.raises(ValueError, match=f"seed={seed}: choose 0 to"):
        array_settings([changed(seed=seed)])
