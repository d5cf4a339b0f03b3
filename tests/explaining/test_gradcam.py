"""Gradients by the feature map, and the weighting of channels."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax.traverse_util import flatten_dict

from recog.ctc.loss import occupancies
from recog.explaining.gradcam import capture, odds_gradient, weigh_columns, weigh_whole
from recog.models.stn import SpatialTransformer, STNConfig
from recog.ops.feature_map import feature_map


class Reader(nn.Module):
    """One convolution, a map of features, and a convolution that makes one row of frames."""

    marked: bool = True

    @nn.compact
    def __call__(self, images):
        x = jnp.tanh(nn.Conv(3, (3, 3), name="first")(images))
        x = feature_map(self, x) if self.marked else x
        return nn.Conv(4, (x.shape[1], 3), padding=((0, 0), (1, 1)), name="frames")(jnp.tanh(x))[:, 0]


IMAGES = np.random.default_rng(0).normal(size=(2, 4, 6, 1)).astype(np.float32)


@pytest.fixture(scope="module")
def variables():
    return Reader().init(jax.random.key(1), IMAGES)


def captured(variables):
    return capture(Reader(), variables, IMAGES, divide=lambda logits: (logits, None))


def score(variables, shift, tokens, weights):
    """Weighted log odds of tokens in float64, where the feature map is shifted."""
    given = {**variables, "perturbations": {"feature_map": jnp.asarray(shift, jnp.float32)}}
    logits = np.asarray(Reader().apply(given, IMAGES), np.float64)
    chances = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    own = np.take_along_axis(chances, np.asarray(tokens)[:, None, None], axis=2)[..., 0]
    return float((weights * np.log(own / (1 - own))).sum())


def test_gradients_agree_with_finite_differences(variables):
    found = captured(variables)
    tokens, lengths = jnp.array([[1, 2], [3, 0]]), jnp.array([2, 1])
    posterior = occupancies(found.scores, jnp.array([6, 5]), tokens, lengths)
    for slot in range(2):
        weights = np.asarray(posterior[..., slot])
        gradient = found.gradient(odds_gradient(found.scores, tokens[:, slot], posterior[..., slot]))
        for place in [(0, 1, 2, 0), (1, 3, 4, 1), (0, 0, 5, 2), (1, 2, 0, 0)]:
            shift = np.zeros(found.features.shape, np.float32)
            shift[place] = 0.05
            up, down = (score(variables, sign * shift, tokens[:, slot], weights) for sign in (1, -1))
            np.testing.assert_allclose(gradient[place], (up - down) / 0.1, rtol=0.02, atol=2e-4)
    assert not found.gradient(odds_gradient(found.scores, tokens[:, 1], posterior[..., 1]))[1].any()  # a slot less


def test_gradients_of_log_odds_do_not_vanish_where_a_reader_is_sure():
    logits = jnp.array([[[0.0, 200.0, 1.0]]])
    found = odds_gradient(logits, jnp.array([1]), jnp.ones((1, 1)))
    np.testing.assert_allclose(found[0, 0], [-1 / (1 + np.e), 1, -np.e / (1 + np.e)], rtol=1e-6)


def test_columns_have_weights_of_their_own_and_classes_one_for_the_picture():
    features, gradient = jnp.ones((1, 2, 6, 1)), jnp.zeros((1, 2, 6, 1)).at[0, 0, 1].set(6)
    np.testing.assert_allclose(weigh_columns(features, gradient)[0, 0], [1, 1, 1, 0, 0, 0])
    np.testing.assert_allclose(weigh_whole(features, gradient), np.full((1, 2, 6), 0.5))
    np.testing.assert_allclose(weigh_whole(features, -gradient), 0)


def test_marks_add_no_variables_and_change_no_outputs(variables):
    assert set(variables) == {"params"}
    _, state = Reader().apply(variables, IMAGES, mutable=["intermediates"], capture_intermediates=True)
    assert {path[-1] for path in flatten_dict(state["intermediates"])} == {"__call__"}  # results of modules alone
    np.testing.assert_array_equal(captured(variables).scores, Reader(marked=False).apply(variables, IMAGES))


def test_a_model_without_a_mark_is_named(variables):
    with pytest.raises(ValueError, match=r"Reader marks no feature map.*recog\.ops\.feature_map"):
        capture(Reader(marked=False), variables, IMAGES, divide=lambda logits: (logits, None))


class Rectified(nn.Module):
    """Reader of rectified pictures."""

    @nn.compact
    def __call__(self, images):
        return feature_map(self, SpatialTransformer(STNConfig(), name="stn")(images, train=False)).mean()


def test_spatial_transformers_are_captured():
    variables = dict(Rectified().init(jax.random.key(0), IMAGES))
    theta = jnp.array([0.5, 0.1, 0.2, -0.1, 0.6, 0.0])
    variables["params"]["stn"]["localization"]["theta"]["bias"] = theta
    found = capture(Rectified(), variables, IMAGES, divide=lambda mean: (mean, None))
    np.testing.assert_array_equal(found.theta, np.broadcast_to(theta.reshape(2, 3), (2, 2, 3)))
    np.testing.assert_array_equal(found.rectified, found.features)
