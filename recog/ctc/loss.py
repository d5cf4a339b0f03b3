"""Connectionist temporal classification: the loss, with a custom gradient.

Emissions are gathered at the label's own tokens: no array of size ``B L K`` is built. Likelihoods and occupancies come
from a scan over frames (`recog.ctc.lattice`), on NVIDIA GPUs from a kernel (`recog.ctc.kernel`). The gradient is
``softmax(logits) - occupancy`` (Graves 2006, equation 16).
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Shaped

from recog.ctc import kernel, lattice
from recog.ctc.lattice import Lattice, Posterior
from recog.ctc.log_space import LOG_ZERO


def frames_needed(labels: Shaped[Any, "B L"], label_lengths: Int[Any, " B"]) -> Int[Any, " B"]:
    """Frames that CTC needs for each label: one a token, and one for a blank between equal neighbours.

    Args:
      labels: tokens of any type, as NumPy or JAX arrays; slots at and beyond the label's length are ignored.
      label_lengths: tokens of each label.
    """
    inside = np.arange(1, labels.shape[1]) < label_lengths[:, None]
    return label_lengths + ((labels[:, 1:] == labels[:, :-1]) & inside).sum(axis=1)


def feasible(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    labels: Int[Array, "B L"],
    label_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
) -> Bool[Array, " B"]:
    """Whether `ctc_loss` of each sample is finite where its logits are: its label is valid and fits into its frames.

    Arguments are those of `ctc_loss`; of ``logits`` only the shape counts.
    """
    _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id)
    fits = frames_needed(labels, label_lengths) <= logit_lengths
    return fits & _valid(blank_id, logits.shape, logit_lengths, labels, label_lengths)


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
      logit_lengths: frames of each sample, ``0..T``. Later frames get exactly zero gradient, whatever they hold.
      labels: token ids in ``0..K-1``, none equal to ``blank_id``; slots beyond the label's length are ignored.
      label_lengths: tokens of each label, ``0..L``.
      blank_id: id of the blank.

    Returns:
      float32 losses in nats, never negative. A label is impossible if it needs a masked class, or more frames than its
      sample has: one for each token, and one for a blank between equal neighbours. It gets ``inf`` and a zero gradient.
      NaN, with a gradient of NaN, for a NaN in a live frame, for a label that holds the blank or an id outside the
      classes, and for lengths outside their ranges.

    Raises:
      ValueError: the shapes do not match, or the blank is outside the classes.

    Example::

      losses = ctc_loss(logits, jnp.full(8, 26), labels, label_lengths)  # logits: 8 26 37
    """
    return _any_loss(False, blank_id, logits, logit_lengths, labels, label_lengths)


def scan_loss(*arguments: Array, blank_id: int = 0) -> Float[Array, " B"]:
    """`ctc_loss` by the scan on every device, to compare the kernel with; arguments as for `ctc_loss`."""
    return _any_loss(True, blank_id, *arguments)


def occupancies(
    logits: Float[Array, "B T K"],
    logit_lengths: Int[Array, " B"],
    labels: Int[Array, "B L"],
    label_lengths: Int[Array, " B"],
    *,
    blank_id: int = 0,
) -> Float[Array, "B T L"]:
    """Probability that a frame emits each of a label's tokens, given the label: the path posterior.

    Arguments are those of `ctc_loss`. Zero beyond a sample's frames and a label's tokens, and for impossible labels.
    """
    _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id)
    live, slots = _live(logits, logit_lengths), jnp.arange(labels.shape[1]) < label_lengths[:, None]
    labels = jnp.where(slots, labels, blank_id).astype(jnp.int32)
    cells, _ = _lattice(blank_id, logits.astype(jnp.float32), logit_lengths, labels, label_lengths)
    log_likelihood, occupancy = _posterior(False, cells)
    possible = log_likelihood > LOG_ZERO / 2
    return jnp.where((live & possible[:, None])[..., None] & slots[:, None], occupancy, 0.0)


def _any_loss(by_scan: bool, blank_id: int, logits, logit_lengths, labels, label_lengths) -> Float[Array, " B"]:
    _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id)
    labels = labels.astype(jnp.int32)
    valid = _valid(blank_id, logits.shape, logit_lengths, labels, label_lengths)
    # In range whatever was given, because loops and gathers follow them.
    logit_lengths, label_lengths = (
        jnp.clip(logit_lengths, 0, logits.shape[1]),
        jnp.clip(label_lengths, 0, labels.shape[1]),
    )
    slots = (jnp.arange(labels.shape[1]) < label_lengths[:, None]) & valid[:, None]
    labels = jnp.where(slots, labels, blank_id)
    losses = _ctc(by_scan, blank_id, logits.astype(jnp.float32), logit_lengths, labels, label_lengths)
    return losses * jnp.where(valid, 1.0, jnp.nan)  # a factor, so that gradients become NaN as well


def _valid(blank_id, shape, logit_lengths, labels, label_lengths) -> Bool[Array, " B"]:
    """Whether all lengths and all token ids of each sample are in their ranges."""
    _, frames, classes = shape
    slots = jnp.arange(labels.shape[1]) < label_lengths[:, None]
    known = (labels >= 0) & (labels < classes) & (labels != blank_id)
    lengths = (
        (logit_lengths >= 0) & (logit_lengths <= frames) & (label_lengths >= 0) & (label_lengths <= labels.shape[1])
    )
    return lengths & jnp.all(known | ~slots, axis=1)


def _check_shapes(logits, logit_lengths, labels, label_lengths, blank_id) -> None:
    if logits.ndim != 3 or labels.ndim != 2:
        raise ValueError(f"ctc_loss expects logits B T K and labels B L, got {logits.shape} and {labels.shape}")
    batch, _, classes = logits.shape
    if not (labels.shape[0] == batch and logit_lengths.shape == (batch,) and label_lengths.shape == (batch,)):
        raise ValueError(
            f"ctc_loss: batch sizes differ: logits {logits.shape}, logit_lengths {logit_lengths.shape}, "
            f"labels {labels.shape}, label_lengths {label_lengths.shape}"
        )
    if not 0 <= blank_id < classes:
        raise ValueError(f"ctc_loss: blank_id {blank_id} is outside the {classes} classes: choose 0 to {classes - 1}")


def _emissions(blank_id, logits, live, labels):
    """Log probabilities of the label's tokens ``B T L`` and of the blank ``B T``, and the normaliser ``B T``."""
    normaliser = jnp.where(live, jax.nn.logsumexp(logits, axis=-1), 0.0)
    token = jnp.take_along_axis(logits, labels[:, None, :], axis=2) - normaliser[..., None]
    blank = logits[..., blank_id] - normaliser
    token = jnp.where(live[..., None], jnp.maximum(token, LOG_ZERO), 0.0)
    return token, jnp.where(live, jnp.maximum(blank, LOG_ZERO), 0.0), normaliser


def _can_skip(labels):
    """Whether each token differs from its predecessor, so that it may follow without a blank between them."""
    differs = labels[:, 1:] != labels[:, :-1]
    return jnp.pad(differs, ((0, 0), (1, 0)))[:, : labels.shape[1]]


def _lattice(blank_id, logits, logit_lengths, labels, label_lengths) -> tuple[Lattice, Float[Array, "B T"]]:
    token, blank, normaliser = _emissions(blank_id, logits, _live(logits, logit_lengths), labels)
    return Lattice(token, blank, logit_lengths, _can_skip(labels), label_lengths), normaliser


def _live(logits, logit_lengths) -> Bool[Array, "B T"]:
    return jnp.arange(logits.shape[1]) < logit_lengths[:, None]


def _log_likelihood(by_scan: bool, cells: Lattice) -> Float[Array, " B"]:
    if by_scan or not kernel.fits(cells):
        return lattice.log_likelihood(cells)
    return jax.lax.platform_dependent(cells, cuda=kernel.log_likelihood, default=lattice.log_likelihood)


def _posterior(by_scan: bool, cells: Lattice) -> Posterior:
    if by_scan or not kernel.fits(cells):
        return lattice.posterior(cells)
    return jax.lax.platform_dependent(cells, cuda=kernel.posterior, default=lattice.posterior)


def _losses(log_likelihood: Float[Array, " B"]) -> Float[Array, " B"]:
    return jnp.where(log_likelihood <= LOG_ZERO / 2, jnp.inf, jnp.maximum(-log_likelihood, 0.0))


def _loss_only(by_scan, blank_id, logits, logit_lengths, labels, label_lengths):
    cells, _ = _lattice(blank_id, logits, logit_lengths, labels, label_lengths)
    return _losses(_log_likelihood(by_scan, cells))


def _ctc_fwd(by_scan, blank_id, logits, logit_lengths, labels, label_lengths):
    cells, normaliser = _lattice(blank_id, logits, logit_lengths, labels, label_lengths)
    log_likelihood, occupancy = _posterior(by_scan, cells)
    losses = _losses(log_likelihood)
    return losses, (logits, logit_lengths, labels, losses, normaliser, occupancy)


def _ctc_bwd(by_scan, blank_id, residuals, cotangent):
    logits, logit_lengths, labels, losses, normaliser, occupancy = residuals
    counts = _live(logits, logit_lengths) & (losses != jnp.inf)[:, None]  # a NaN loss counts, and its gradient is NaN
    scale = jnp.where(counts, cotangent[:, None], 0.0)
    occupancy = jnp.where(counts[..., None], occupancy * scale[..., None], 0.0)
    probability = jnp.exp(logits - normaliser[..., None])
    gradient = jnp.where(counts[..., None], probability * scale[..., None], 0.0)
    gradient = gradient.at[..., blank_id].add(jnp.sum(occupancy, axis=-1) - scale)
    subtract = jax.vmap(lambda rows, tokens, values: rows.at[:, tokens].add(-values))
    return subtract(gradient, labels, occupancy), None, None, None


_ctc = jax.custom_vjp(_loss_only, nondiff_argnums=(0, 1))
_ctc.defvjp(_ctc_fwd, _ctc_bwd)
