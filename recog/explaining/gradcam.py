"""Grad-CAM (Selvaraju et al., "Grad-CAM: Visual Explanations from Deep Networks", ICCV 2017) of classes and of texts.

A score is differentiated by the last convolutional feature map (`recog.ops.feature_map`); the gradient's mean over
positions is the weight of each channel (equation 1), and the map is the positive part of the weighted sum of the
channels (equation 2).

Texts that are read by CTC differ in two respects:

- **Score.** A character is emitted in some frames. Its score is the log odds of its token in these frames, weighted by
  the path posterior: the probability that the frame emits this character, given the text that was read (Graves et al.
  2006). The gradient of log odds is that of the log probability divided by one minus the probability, so that frames
  in which the reader is sure count as much as others.
- **Mean.** Weights are means over a column and its neighbours, not over the whole map. Readers score every frame
  alike, with the same weights, so that those of one mean would light up every place that has the character: the two 8
  of "808" would get the same map. A column's own gradient is zero where the frames of the character do not see it.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jaxtyping import Array, Float, Int

from recog.ctc.log_space import LOG_ZERO
from recog.models.stn import Localization, SpatialTransformer
from recog.ops.feature_map import FEATURE_MAP
from recog.tasks.task import Variables

NEIGHBOURS = 1
"""Columns on either side that a column's weights are averaged over, because max pooling passes gradients on to the
highest of neighbouring columns only; three columns of 4 or 8 pixels are no wider than most characters."""


class Captured(NamedTuple):
    """Outputs of a model with what they depend on."""

    scores: Any
    """Float arrays."""
    others: Any
    """Outputs without a gradient."""
    gradient: Callable[[Any], Float[Array, "B Y X D"]]
    """Gradient by the feature map of the sum of the scores' products with arrays like them."""
    features: Float[Array, "B Y X D"]
    rectified: Float[Array, "B H W C"] | None
    """Pictures after the spatial transformer, in -1..1; None without one."""
    theta: Float[Array, "B 2 3"] | None
    """Affine maps of the spatial transformer."""


def capture(
    model: Any, variables: Variables, *arguments: Any, divide: Callable[[Any], tuple[Any, Any]], **options: Any
) -> Captured:
    """Applies a model and prepares the gradient by its feature map; meant to be called under jit.

    Args:
      model: a Flax module that marks its feature map.
      variables: variables of the model.
      *arguments: arguments of ``model.apply``.
      divide: divides the outputs of the model into scores and others.
      **options: further arguments of ``model.apply``.

    Raises:
      ValueError: the model marks no feature map.
    """

    def apply(given: Variables, *mutable: str):
        return model.apply(
            given,
            *arguments,
            mutable=["intermediates", FEATURE_MAP, *mutable],
            capture_intermediates=lambda module, _: isinstance(module, SpatialTransformer | Localization),
            **options,
        )

    shifts = jax.eval_shape(lambda: apply(variables, "perturbations"))[1].get("perturbations")
    if shifts is None:
        raise ValueError(
            f"{type(model).__name__} marks no feature map to explain its predictions by: "
            "call recog.ops.feature_map.feature_map in it"
        )

    def shifted(shifts: Any):
        outputs, state = apply({**variables, "perturbations": shifts})
        scores, others = divide(outputs)
        return scores, (others, state)

    zeros = jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shifts)
    scores, pull, (others, state) = jax.vjp(shifted, zeros, has_aux=True)
    (features,) = jax.tree.leaves(state[FEATURE_MAP])
    calls: dict[tuple[str, ...], Any] = flatten_dict(  # pyright: ignore[reportAssignmentType]
        state.get("intermediates", {})
    )
    found = {path[-2:]: x[0] for path, x in calls.items()}
    return Captured(
        scores,
        others,
        lambda weights: jax.tree.leaves(pull(weights))[0],
        features,
        found.get(("stn", "__call__")),
        found.get(("localization", "__call__")),
    )


def weigh_columns(features: Float[Array, "B Y X D"], gradient: Float[Array, "B Y X D"]) -> Float[Array, "B Y X"]:
    """Map of a character, with weights for every column."""
    rows = jnp.mean(gradient.astype(jnp.float32), axis=1, keepdims=True)
    around = jnp.pad(rows, ((0, 0), (0, 0), (NEIGHBOURS, NEIGHBOURS), (0, 0)))
    columns = range(2 * NEIGHBOURS + 1)
    weights = sum(around[:, :, column : column + rows.shape[2]] for column in columns) / len(columns)
    return _weigh(features, weights)


def weigh_whole(features: Float[Array, "B Y X D"], gradient: Float[Array, "B Y X D"]) -> Float[Array, "B Y X"]:
    """Map of a class, with weights for the whole picture."""
    return _weigh(features, jnp.mean(gradient.astype(jnp.float32), axis=(1, 2), keepdims=True))


def _weigh(features, weights) -> Float[Array, "B Y X"]:
    return jax.nn.relu(jnp.sum(features.astype(jnp.float32) * weights, axis=-1))


def odds_gradient(
    logits: Float[Array, "B T K"], tokens: Int[Array, " B"], weights: Float[Array, "B T"]
) -> Float[Array, "B T K"]:
    """Gradient by the logits of a token's log odds, summed over frames with weights.

    Log odds ``log p / (1 - p)`` are the token's logit less the logarithm of the sum of the others' exponentials. The
    gradient is written out: by way of ``p`` it would vanish where ``p`` rounds to one.
    """
    own = jax.nn.one_hot(tokens, logits.shape[-1], dtype=bool)[:, None]
    others = jax.nn.softmax(jnp.where(own, LOG_ZERO, jnp.maximum(logits, LOG_ZERO)), axis=-1)
    return weights[..., None] * jnp.where(own, 1.0, -others)
