"""Losses and probabilities of class scores: softmax with cross-entropy, or an independent sigmoid for each class."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from recog.metrics.classes import shares

SOFTMAX, SIGMOID = "softmax", "sigmoid"


@dataclasses.dataclass(frozen=True)
class ClassScores:
    """Meaning of a model's logits ``B K``.

    Example::

      scores = ClassScores(label_smoothing=0.1)
      losses = scores.losses(logits, classes)  # B
      probabilities = scores.probabilities(logits)  # B K
    """

    kind: str = SOFTMAX
    """``softmax``: probabilities of exclusive classes. ``sigmoid``: a probability for each class by itself."""
    label_smoothing: Float[Array, ""] | float = 0.0
    """Share of the target that is spread evenly over all classes."""
    class_weights: tuple[float, ...] = ()
    """Factors for the losses of samples by their class; empty for 1."""

    def losses(self, logits: Float[Array, "B K"], classes: Int[Array, " B"]) -> Float[Array, " B"]:
        """Cross-entropy of each row, or the sum of the binary cross-entropies of its classes, in nats.

        Targets are ``1 - s + s / K`` for the row's class and ``s / K`` for the other classes, with smoothing ``s``
        (Szegedy et al. 2016, section 7).
        """
        losses = self._losses(logits, classes)
        return losses * jnp.asarray(self.class_weights)[classes] if self.class_weights else losses

    def probabilities(self, logits: Float[Array, "B K"]) -> Float[Array, "B K"]:
        """Softmax or sigmoids of the logits. Sigmoids need not sum to 1."""
        return jax.nn.softmax(logits) if self.kind == SOFTMAX else jax.nn.sigmoid(logits)

    def averaged(self, logits: Float[Array, "V B K"]) -> Float[Array, "B K"]:
        """Logits whose probabilities are the means of those of ``V`` views."""
        if self.kind == SOFTMAX:
            return _log_mean(jax.nn.log_softmax(logits))
        return _log_mean(jax.nn.log_sigmoid(logits)) - _log_mean(jax.nn.log_sigmoid(-logits))

    def distribution(self, probabilities: Float[np.ndarray, "B K"]) -> Float[np.ndarray, "B K"]:
        """Probabilities of exclusive classes, on the host; sigmoids are divided by their sum.

        Counts need them, because one sigmoid alone can be right about its class while another is as high.
        """
        return probabilities if self.kind == SOFTMAX else shares(probabilities)

    def _losses(self, logits: Float[Array, "B K"], classes: Int[Array, " B"]) -> Float[Array, " B"]:
        if self.kind == SOFTMAX:
            own = optax.softmax_cross_entropy_with_integer_labels(logits, classes)
            if _is_zero(self.label_smoothing):
                return own
            every = -jnp.mean(jax.nn.log_softmax(logits), axis=1)
            return own + self.label_smoothing * (every - own)
        one_hot = jax.nn.one_hot(classes, logits.shape[1])
        targets = one_hot + self.label_smoothing * (1 / logits.shape[1] - one_hot)
        return jnp.sum(optax.sigmoid_binary_cross_entropy(logits, targets), axis=1)


def _is_zero(value: Array | float) -> bool:
    """Whether a value is known to be zero while a program is traced."""
    return not isinstance(value, jax.Array) and value == 0


def _log_mean(logarithms: Float[Array, "V B K"]) -> Float[Array, "B K"]:
    """Logarithm of the mean over views."""
    return jax.nn.logsumexp(logarithms, axis=0) - jnp.log(len(logarithms))
