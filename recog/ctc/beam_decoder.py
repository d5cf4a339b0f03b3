"""Prefix beam search as a decoder: the best sequence, or several of them."""

import dataclasses
import math
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from recog.ctc.automaton import Automaton
from recog.ctc.beam import beam_search
from recog.ctc.best_path_decoder import best_path
from recog.ctc.decoder import BEAM_WIDTH
from recog.ctc.guide import TooFewFramesError
from recog.ctc.loss import ctc_loss
from recog.decoded import Decoded


@dataclasses.dataclass(frozen=True, eq=False)
class BeamSearch:
    """The decoder (`recog.ctc.decoder.Decoder`) that takes the best sequence of a beam search.

    Without an automaton, the best path's sequence is taken instead where it is more probable, which a narrow beam can
    miss. The confidence of a sequence is its probability, summed over all its alignments; it is 0, and the sequence
    empty, where the automaton accepts none in the frames there are (also where `beam_search` refuses all pictures of
    the batch as too narrow), and NaN where logits are. For the settings see `beam_search`.
    """

    blank_id: int = 0
    beam_width: int = BEAM_WIDTH
    token_min_logp: float = -math.inf
    beam_prune_logp: float = -math.inf
    automaton: Automaton | None = None
    on_host: ClassVar[bool] = False

    def __call__(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"]) -> Decoded:
        """Decodes a batch; see `recog.ctc.decoder.Decoder`."""
        return jax.tree.map(lambda x: x[:, 0], self.best(logits, lengths, 1))

    def best(self, logits: Float[Array, "B T K"], lengths: Int[Array, " B"], count: int) -> Decoded:
        """Several sequences of each sample, best first; fields have one more axis, ``B N ...``.

        They are sorted by confidence, or with weights of an automaton by score. A place without a sequence is empty and
        has confidence 0.

        Args:
          logits: unnormalised scores of each frame's classes.
          lengths: frames of each sample; later ones are padding.
          count: sequences to return, up to ``beam_width``.

        Raises:
          ValueError: ``count`` is out of range, or a setting is (see `beam_search`).
        """
        try:
            found = beam_search(
                logits,
                lengths,
                blank_id=self.blank_id,
                beam_width=self.beam_width,
                token_min_logp=self.token_min_logp,
                beam_prune_logp=self.beam_prune_logp,
                nbest=count,
                automaton=self.automaton,
            )
        except TooFewFramesError:  # of narrow pictures beside wider ones
            batch, frames, _ = logits.shape
            return _nothing(batch, frames, count)
        likelihoods = found.log_likelihoods
        listed = Decoded(found.tokens, found.lengths, found.confidences, found.frames, jnp.exp(likelihoods))
        if self.automaton is None:
            path, likelihood = self._path(logits, lengths, listed, likelihoods)
            listed = jax.tree.map(lambda x, y: jnp.concatenate([x, y], axis=1), listed, path)
            likelihoods = jnp.concatenate([likelihoods, likelihood], axis=1)
        elif np.any(self.automaton.weights) or np.any(self.automaton.final[np.isfinite(self.automaton.final)]):
            return listed
        ranks = jnp.argsort(-jnp.where(jnp.isnan(likelihoods), jnp.inf, likelihoods), axis=1)[:, :count]
        rows = jnp.arange(ranks.shape[0])[:, None]
        return jax.tree.map(lambda x: x[rows, ranks], listed)

    def _path(self, logits, lengths, listed: Decoded, likelihoods) -> tuple[Decoded, Float[Array, "B 1"]]:
        """The best path's sequence and its log probability; nothing and ``-inf`` where it is listed already."""
        path = best_path(logits, lengths, blank_id=self.blank_id)
        likelihood = -ctc_loss(logits, lengths, path.tokens, path.lengths, blank_id=self.blank_id)
        same = (path.lengths[:, None] == listed.lengths) & jnp.all(path.tokens[:, None] == listed.tokens, axis=-1)
        new = ~jnp.any(same & (likelihoods != -jnp.inf), axis=1) & ~jnp.isnan(likelihood)
        path = Decoded(
            tokens=jnp.where(new[:, None], path.tokens, 0),
            lengths=jnp.where(new, path.lengths, 0),
            confidences=jnp.where(new[:, None], path.confidences, 0.0),
            frames=jnp.where(new[:, None], path.frames, -1),
            confidence=jnp.where(new, jnp.exp(likelihood), 0.0),
        )
        return jax.tree.map(lambda x: x[:, None], path), jnp.where(new, likelihood, -jnp.inf)[:, None]


def _nothing(batch: int, frames: int, count: int) -> Decoded:
    """Places without a sequence."""
    slots = batch, count, frames
    return Decoded(
        tokens=jnp.zeros(slots, jnp.int32),
        lengths=jnp.zeros(slots[:2], jnp.int32),
        confidences=jnp.zeros(slots),
        frames=jnp.full(slots, -1, jnp.int32),
        confidence=jnp.zeros(slots[:2]),
    )
