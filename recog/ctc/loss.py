"""Connectionist temporal classification by forward filtering and backward smoothing.

The lattice of a label with ``L`` tokens has ``2L + 1`` states: a label lane (state ``l`` emits token ``l``) and a blank
lane (state ``l`` emits the blank between tokens ``l - 1`` and ``l``). The lanes are kept as two arrays, so that neither
pays for the other's transitions, and emissions are gathered at the label's own tokens: nothing of size ``B L K`` is
ever built.

* **Filtering** runs the forward recursion of Graves 2006 (equations 6-8) in log space.
* **Smoothing** walks back through it. Given the state at frame ``t + 1``, the state at ``t`` is one of at most three
  predecessors, with probabilities proportional to their forward variables. The walk is linear in probabilities: it
  needs no second log-space recursion, and occupancies never exceed one. It also sees only differences between
  neighbouring forward variables, which is why its gradient is closer to float64 than one from ``alpha + beta - loss``.
* The gradient is ``softmax(logits) - occupancy`` (equation 16), written once.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

LOG_ZERO = -1e30
"""The logarithm that stands for "impossible": finite, so that differences of two of them are never NaN."""

WIDE_BATCH = 32
"""From this batch size on, lattice rows are laid out ``L B``: long contiguous rows without ragged shifts (measured)."""


def feasible(
    logit_lengths: Int[Array, " B"], labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]
) -> Bool[Array, " B"]:
    """Whether each label fits into its frames: one frame a token, and one blank between equal neighbours.

    Args:
      logit_lengths: frames of each sample.
      labels: token ids; slots at and beyond the label's length are ignored.
      label_lengths: tokens of each label.
    """
    return label_lengths + _repeats(labels, label_lengths) <= logit_lengths


def ctc_loss(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    labels: Int[Array, "B L"],
    label_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
) -> Float[Array, " B"]:
    """Negative log likelihood of each label, summed over all its alignments (Graves et al., ICML 2006).

    Args:
      logits: unnormalised scores of any float type; computed in float32. ``-inf`` masks a class.
      logit_lengths: frames of each sample, ``0..T``. Frames beyond it get exactly zero gradient, whatever they hold.
      labels: token ids in ``0..K-1``, none equal to ``blank_id``; slots beyond the label's length are ignored.
      label_lengths: tokens of each label, ``0..L``.
      blank_id: id of the blank.

    Returns:
      float32 losses in nats, never negative. An impossible label (see `feasible`, or one that needs a masked class)
      gets ``inf`` and a zero gradient; a NaN in a live frame, or a token id outside the classes, gives NaN.

    Raises:
      ValueError: shapes that do not belong together, or a blank outside the classes.

    Example::

      losses = ctc_loss(logits, jnp.full(8, 26), labels, label_lengths)  # logits: 8 26 37
    """
    _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id)
    slots = jnp.arange(labels.shape[1]) < label_lengths[:, None]
    labels = labels.astype(jnp.int32)
    # A gather past the end gives NaN, one below zero would silently count from the end.
    labels = jnp.where(labels < 0, logits.shape[2], labels)
    labels = jnp.where(slots, labels, blank_id)
    return _ctc(blank_id, logits.astype(jnp.float32), logit_lengths, labels, label_lengths)


def _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id) -> None:
    if logits.ndim != 3 or labels.ndim != 2:
        raise ValueError(f"ctc_loss wants logits B T K and labels B L, got {logits.shape} and {labels.shape}")
    batch, _, classes = logits.shape
    if not (labels.shape[0] == batch and logit_lengths.shape == (batch,) and label_lengths.shape == (batch,)):
        raise ValueError(
            f"ctc_loss: batch sizes differ: logits {logits.shape}, logit_lengths {logit_lengths.shape}, "
            f"labels {labels.shape}, label_lengths {label_lengths.shape}"
        )
    if not 0 <= blank_id < classes:
        raise ValueError(f"ctc_loss: blank_id {blank_id} lies outside the {classes} classes")


def _repeats(labels, label_lengths) -> Int[Array, " B"]:
    inside = jnp.arange(1, labels.shape[1]) < label_lengths[:, None]
    return jnp.sum((labels[:, 1:] == labels[:, :-1]) & inside, axis=1)


def _log_add(a, b):
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    return high + jnp.log(1 + jnp.exp(low - high))


def _log_add3(a, b, c):
    high, low = jnp.maximum(a, b), jnp.minimum(a, b)
    top, middle = jnp.maximum(high, c), jnp.minimum(high, c)
    return top + jnp.log(1 + jnp.exp(middle - top) + jnp.exp(low - top))


class _Rows:
    """Lattice rows with the slots on axis 0 (``L B``, wide batches) or on axis 1 (``B L``)."""

    def __init__(self, batch: int):
        self.axis = 0 if batch >= WIDE_BATCH else 1

    def of(self, x):
        """``B L`` to rows."""
        return x.T if self.axis == 0 else x

    def sequence(self, x):
        """``B T L`` to ``T`` rows."""
        return x.transpose(1, 2, 0) if self.axis == 0 else x.transpose(1, 0, 2)

    def batch(self, x):
        """``T`` rows to ``B T L``."""
        return x.transpose(2, 0, 1) if self.axis == 0 else x.transpose(1, 0, 2)

    def each(self, x):
        """One number a sample, to be broadcast over rows."""
        return x if self.axis == 0 else x[:, None]

    def pad(self, x, before: int, after: int, value: float):
        widths = [(0, 0), (0, 0)]
        widths[self.axis] = (before, after)
        return jnp.pad(x, widths, constant_values=value)

    def first(self, x):
        """All slots but the last."""
        return jax.lax.slice_in_dim(x, 0, x.shape[self.axis] - 1, axis=self.axis)

    def rest(self, x):
        """All slots but the first."""
        return jax.lax.slice_in_dim(x, 1, x.shape[self.axis], axis=self.axis)


def _filter_step(rows: _Rows, state, label_emission, blank_emission, can_skip):
    """Forward variables of the next frame from those of this one, in log space."""
    label, blank = state
    previous = rows.pad(label, 1, 0, LOG_ZERO)  # the label before each blank
    skipped = jnp.where(can_skip, rows.first(previous), LOG_ZERO)
    return (
        _log_add3(label, rows.first(blank), skipped) + label_emission,
        _log_add(blank, previous) + blank_emission,
    )


def _smooth_step(rows: _Rows, occupancy, state, can_skip):
    """Occupancies of this frame's states, given the next frame's, as probabilities."""
    to_label, to_blank = occupancy
    label, blank = state
    previous = rows.pad(label, 1, 0, LOG_ZERO)
    skipped = jnp.where(can_skip, rows.first(previous), LOG_ZERO)
    before = rows.first(blank)
    top = jnp.maximum(jnp.maximum(label, before), skipped)
    stays, starts, skips = jnp.exp(label - top), jnp.exp(before - top), jnp.exp(skipped - top)
    share = to_label / (stays + starts + skips)
    ends = to_blank * jax.nn.sigmoid(previous - blank)
    # The first slot's skip is always zero: dropping it moves each skip to the label it came from.
    skip_origin = rows.first(rows.rest(rows.pad(share * skips, 0, 2, 0.0)))
    return (
        share * stays + rows.rest(ends) + skip_origin,
        to_blank - ends + rows.pad(share * starts, 0, 1, 0.0),
    )


def _emissions(blank_id, logits, live, labels):
    """Log probabilities of the label's tokens ``B T L`` and of the blank ``B T``, and the normaliser ``B T``."""
    normaliser = jnp.where(live, jax.nn.logsumexp(logits, axis=-1), 0.0)
    token = jnp.take_along_axis(logits, labels[:, None, :], axis=2) - normaliser[..., None]
    blank = logits[..., blank_id] - normaliser
    token = jnp.where(live[..., None], jnp.maximum(token, LOG_ZERO), 0.0)
    return token, jnp.where(live, jnp.maximum(blank, LOG_ZERO), 0.0), normaliser


def _can_skip(rows: _Rows, labels):
    """A token may follow its neighbour without a blank between unless both are the same."""
    differs = labels[:, 1:] != labels[:, :-1]
    return rows.of(jnp.pad(differs, ((0, 0), (1, 0)))[:, : labels.shape[1]])


def _forward(blank_id, logits, logit_lengths, labels, label_lengths):
    batch, frames, _ = logits.shape
    slots = labels.shape[1]
    rows = _Rows(batch)
    live = jnp.arange(frames) < logit_lengths[:, None]  # B T
    token, blank, normaliser = _emissions(blank_id, logits, live, labels)
    can_skip = _can_skip(rows, labels)

    def step(state, inputs):
        token_t, blank_t, live_t = inputs
        new = _filter_step(rows, state, token_t, rows.each(blank_t), can_skip)
        return jax.tree.map(lambda n, old: jnp.where(rows.each(live_t), n, old), new, state), state

    start = (
        rows.of(jnp.full((batch, slots), LOG_ZERO)),
        rows.of(jnp.full((batch, slots + 1), LOG_ZERO).at[:, 0].set(0.0)),
    )
    end, states = jax.lax.scan(step, start, (rows.sequence(token), blank.T, live.T))
    last = label_lengths[:, None]
    end_label = jnp.take_along_axis(rows.of(rows.pad(end[0], 1, 0, LOG_ZERO)), last, axis=1)[:, 0]
    end_blank = jnp.take_along_axis(rows.of(end[1]), last, axis=1)[:, 0]
    log_likelihood = _log_add(end_label, end_blank)
    losses = jnp.where(log_likelihood <= LOG_ZERO / 2, jnp.inf, jnp.maximum(-log_likelihood, 0.0))
    return losses, (normaliser, states, jax.nn.sigmoid(end_label - end_blank))


def _ctc_fwd(blank_id, logits, logit_lengths, labels, label_lengths):
    losses, (normaliser, states, ends_in_label) = _forward(blank_id, logits, logit_lengths, labels, label_lengths)
    return losses, (logits, logit_lengths, labels, label_lengths, losses, normaliser, states, ends_in_label)


def _occupancy(rows: _Rows, states, live, labels, label_lengths, ends_in_label):
    """Probability of standing at each token of the label in each frame, ``B T L``."""
    slot = jnp.arange(labels.shape[1] + 1)
    last = slot == label_lengths[:, None]
    end_label = jnp.where(last[:, 1:], ends_in_label[:, None], 0.0)
    end_blank = jnp.where(last, 1.0 - ends_in_label[:, None], 0.0)
    can_skip = _can_skip(rows, labels)

    def step(occupancy, inputs):
        state, live_t = inputs
        new = _smooth_step(rows, occupancy, state, can_skip)
        return jax.tree.map(lambda n, old: jnp.where(rows.each(live_t), n, old), new, occupancy), occupancy[0]

    start = (rows.of(end_label), rows.of(end_blank))
    _, occupancy = jax.lax.scan(step, start, (states, live.T), reverse=True)
    return rows.batch(occupancy)


def _ctc_bwd(blank_id, residuals, cotangent):
    logits, logit_lengths, labels, label_lengths, losses, normaliser, states, ends_in_label = residuals
    rows = _Rows(logits.shape[0])
    live = jnp.arange(logits.shape[1]) < logit_lengths[:, None]
    occupancy = _occupancy(rows, states, live, labels, label_lengths, ends_in_label)
    counts = live & (losses != jnp.inf)[:, None]  # B T; a NaN loss counts, and its gradient is NaN
    scale = jnp.where(counts, cotangent[:, None], 0.0)
    occupancy = jnp.where(counts[..., None], occupancy * scale[..., None], 0.0)
    posterior = jnp.exp(logits - normaliser[..., None])
    gradient = jnp.where(counts[..., None], posterior * scale[..., None], 0.0)
    gradient = gradient.at[..., blank_id].add(jnp.sum(occupancy, axis=-1) - scale)
    subtract = jax.vmap(lambda rows, tokens, values: rows.at[:, tokens].add(-values))
    return subtract(gradient, labels, occupancy), None, None, None


def _loss_only(blank_id, logits, logit_lengths, labels, label_lengths):
    return _forward(blank_id, logits, logit_lengths, labels, label_lengths)[0]


_ctc = jax.custom_vjp(_loss_only, nondiff_argnums=(0,))
_ctc.defvjp(_ctc_fwd, _ctc_bwd)
