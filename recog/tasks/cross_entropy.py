"""Cross-entropy loss of autoregressive decoders, with an end token."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int


def with_end(
    labels: Int[Array, "B L"], label_lengths: Int[Array, " B"], end_id: int
) -> tuple[Int[Array, "B L+1"], Bool[Array, "B L+1"]]:
    """Labels followed by the end token, and a mask of the slots up to it."""
    slot = jnp.arange(labels.shape[1] + 1)
    expected = jnp.where(slot < label_lengths[:, None], jnp.pad(labels, ((0, 0), (0, 1))), end_id)
    return expected, slot <= label_lengths[:, None]


def sequence_cross_entropy(
    logits: Float[Array, "B S K"], labels: Int[Array, "B L"], label_lengths: Int[Array, " B"], end_id: int
) -> Float[Array, " B"]:
    """Negative log probability of each label with its end token, each token given those before it.

    Args:
      logits: unnormalised scores of any float type; computed in float32. One slot more than the labels have, for
        the end token. Slots after the end get exactly zero gradient, whatever their values.
      labels: token ids in ``0..K-1``; slots beyond the label's length are ignored.
      label_lengths: number of tokens in each label, ``0..L``.
      end_id: class id of the end token.

    Returns:
      float32 losses in nats, summed over each label's tokens and its end token.

    Raises:
      ValueError: the logits do not have exactly one slot more than the labels.
    """
    if logits.shape[1] != labels.shape[1] + 1:
        raise ValueError(
            f"labels of {labels.shape[1]} slots need logits of {labels.shape[1] + 1} (one for the end), "
            f"got {logits.shape[1]}"
        )
    expected, live = with_end(labels, label_lengths, end_id)
    # Masked before the softmax: a NaN times a gradient of zero would be NaN.
    logits = jnp.where(live[..., None], logits.astype(jnp.float32), 0.0)
    scored = jnp.take_along_axis(jax.nn.log_softmax(logits), expected[..., None], axis=2)[..., 0]
    return -jnp.sum(jnp.where(live, scored, 0.0), axis=1)
