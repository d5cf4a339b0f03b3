"""Parameters of one run as the start of another."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from recog.training.class_axes import ClassAxis, MatchedClasses
from recog.training.state import TrainState
from recog.training.transfer import named_arrays, start_from, transfer


def variables(value: float, classes: int = 3):
    return {
        "params": {"conv": {"kernel": jnp.full((2, 4), value)}, "classifier": {"bias": jnp.full(classes, value)}},
        "batch_stats": {"norm": {"mean": jnp.full(4, value)}},
    }


def test_all_arrays_of_the_same_model_are_taken():
    result = transfer(variables(0), variables(1))
    assert result.anew == []
    assert result.taken.keys() == {"params/conv/kernel", "params/classifier/bias", "batch_stats/norm/mean"}


def test_arrays_of_other_shapes_and_missing_ones_start_anew():
    trained = variables(1, classes=5)
    del trained["batch_stats"]
    assert transfer(variables(0), trained).anew == ["batch_stats/norm/mean", "params/classifier/bias"]


def test_arrays_over_classes_are_matched_by_name():
    axes = {"params/classifier/bias": {0: ClassAxis(1, 0)}}
    trained = variables(1, classes=2)
    trained["params"]["classifier"]["bias"] = jnp.array([0.5, 0.25])
    result = transfer(variables(0.0), trained, MatchedClasses(("a", "b", "c"), ("c", "a"), axes))
    assert result.anew == []
    fresh = variables(0.0)
    state = TrainState(jnp.zeros((), jnp.int32), fresh["params"], {}, (), jax.tree.map(jnp.copy, fresh["params"]))
    started = start_from(state, result.taken)
    for params in (started.params, started.average):
        np.testing.assert_array_equal(params["classifier"]["bias"], [0.25, 0, 0.5])
    other = MatchedClasses(("a", "b", "c"), ("d", "e"), axes)
    assert transfer(variables(0.0), trained, other).anew == ["params/classifier/bias"]


def test_nothing_in_common_is_refused():
    with pytest.raises(ValueError, match="none of its 1 arrays has the name and shape of one of this model's 3"):
        transfer(variables(0), {"params": {"other": jnp.zeros(3)}})


def test_the_state_differs_in_what_was_taken_alone():
    fresh = variables(0)
    moments = optax.adam(1.0).init(fresh["params"])
    state = TrainState(jnp.zeros((), jnp.int32), fresh["params"], {"batch_stats": fresh["batch_stats"]}, (moments,))
    started = start_from(state, {"params/conv/kernel": jnp.ones((2, 4))})
    for path, array in named_arrays(started.variables).items():
        np.testing.assert_array_equal(array, 1 if path == "params/conv/kernel" else 0)
        assert isinstance(array, jax.Array)
        assert array.sharding == state.step.sharding
    assert jax.tree.structure(started) == jax.tree.structure(state)
    assert int(started.step) == 0


def test_an_average_starts_from_what_was_taken():
    fresh = variables(0)
    average = {"conv": {"kernel": jnp.zeros((2, 4))}}  # the classifier is frozen
    state = TrainState(jnp.zeros((), jnp.int32), fresh["params"], {}, (), average)
    started = start_from(state, {"params/conv/kernel": jnp.ones((2, 4)), "params/classifier/bias": jnp.ones(3)})
    assert jax.tree.structure(started) == jax.tree.structure(state)
    np.testing.assert_array_equal(started.average["conv"]["kernel"], 1)
    assert started.average["conv"]["kernel"] is not started.params["conv"]["kernel"]


def test_settings_among_the_variables_are_the_runs_own():
    fresh, trained = ({**variables(0), "weights": {"eta": jnp.float32(eta)}} for eta in (0.5, 0.1))
    result = transfer(fresh, trained)
    assert "weights/eta" not in result.taken
    assert result.anew == []
