"""Learning rates by layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.training.layer_rates import LayerRate, parse_rates
from recog.training.optimizers import OptimizerConfig, check_optimizer, make_optimizer

PARAMS = {"backbone": {"conv": {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}}, "head": {"kernel": jnp.ones((2, 3))}}


def updates(config: OptimizerConfig):
    """Updates of the second step, after moments have formed."""
    optimizer = make_optimizer(config, 10)
    state, gradient = optimizer.init(PARAMS), jax.tree.map(lambda x: 0.5 * x, PARAMS)
    state = optimizer.update(gradient, state, PARAMS)[1]
    return optimizer.update(gradient, state, PARAMS)[0]


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_whole_steps_are_multiplied_by_the_first_factor_that_matches(name):
    plain = OptimizerConfig(name, 0.1, "constant", weight_decay=0.3, clip_norm=0.2)
    rates = ("bias$=3", "^backbone/=0.1")
    expected, found = updates(plain), updates(OptimizerConfig(**{**vars(plain), "learning_rate_of": rates}))
    factors = {"backbone": {"conv": {"kernel": 0.1, "bias": 3.0}}, "head": {"kernel": 1.0}}
    jax.tree.map(lambda a, b, f: np.testing.assert_allclose(a, f * b, rtol=1e-6), found, expected, factors)


def test_entries_are_split_at_the_last_equals_sign():
    assert parse_rates(("a=b=0.5", "c=2")) == [LayerRate("a=b", 0.5), LayerRate("c", 2.0)]


@pytest.mark.parametrize(
    ("entry", "mend"),
    [
        ("^backbone/=0", r"freeze='\^backbone/'"),
        ("^backbone/", "REGEX=FACTOR"),
        ("=0.1", "REGEX=FACTOR"),
        ("(=0.1", "REGEX=FACTOR"),
        ("a=-1", "choose more than 0"),
        ("a=nan", "choose more than 0"),
    ],
)
def test_entries_without_a_usable_factor_are_refused_by_name(entry, mend):
    with pytest.raises(ValueError, match=f"learning_rate_of.*{mend}") as refused:
        check_optimizer(OptimizerConfig(learning_rate_of=(entry,)), 10)
    assert repr(entry) in str(refused.value)


@pytest.mark.parametrize("rates", [("neck=0.1",), ("^backbone=0.1", "conv=0.2")])
def test_expressions_that_apply_to_nothing_are_refused_with_some_paths(rates):
    last = rates[-1].partition("=")[0]
    with pytest.raises(ValueError, match=f"'{last}' matches none of the 3 .* such as backbone/conv/kernel"):
        make_optimizer(OptimizerConfig(learning_rate_of=rates), 10).init(PARAMS)
