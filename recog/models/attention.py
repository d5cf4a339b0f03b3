"""Autoregressive decoder with content attention over the positions of an encoder.

As in Baek et al. 2019 (`What is wrong with scene text recognition model comparisons?`, the prediction module Attn),
after Bahdanau et al. 2015: position ``t`` is scored by ``v . tanh(W_h h_t + W_s s + b)`` where ``s`` is the LSTM's
hidden state; the context is the average of the features weighted by the softmax over all positions; the inputs of the
LSTM are the context and the previous token, and its hidden state scores the next token.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.ops.recurrent_scan import lstm_step

LOWEST = -1e30
"""Attention score of masked positions; finite, so that rows without positions do not become NaN."""


class AttentionDecoder(nn.Module):
    """Decodes a sequence of tokens from a sequence of features.

    Example::

      decoder = AttentionDecoder(classes=12, blank_id=0)
      variables = decoder.init(key, features, lengths, tokens)  # features: B T D, lengths: B, tokens: B L
      logits = decoder.apply(variables, features, lengths, tokens)  # B L+1 K, of the tokens and the end
      logits, places = decoder.apply(variables, features, lengths, steps=8, method="run_freely")  # B 9 K, B 9
    """

    classes: int
    """Number of classes."""
    units: int = 256
    """Hidden units of the LSTM and of the scoring layer."""
    blank_id: int = 0
    """Class id of the start token, before the first token, and the end token, after the last one. Attention needs no
    other blank, and so has the same classes as CTC."""
    dtype: jnp.dtype = jnp.float32
    """Type of features and matrix products; states, attention weights and logits are float32."""

    def __call__(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], tokens: Int[Array, "B L"]
    ) -> Float[Array, "B L+1 K"]:
        """Logits of each token given the true tokens before it, and of the end token (teacher forcing).

        Args:
          features: outputs of the encoder.
          lengths: number of positions in each row; later ones are ignored.
          tokens: labels, padded with any class; slot ``l`` of the logits depends on tokens before ``l``.
        """
        reader = self.reader(features, lengths)
        previous = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=self.blank_id)

        def step(state: _State, token_inputs: Float[Array, "B 4*U"]):
            state, _ = reader.step(state, token_inputs)
            return state, state.hidden

        token_inputs = reader.token_inputs(previous.T)  # L+1 B 4U
        _, hidden = jax.lax.scan(step, reader.start(), token_inputs)
        return reader.logits(hidden.transpose(1, 0, 2))

    def run_freely(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], steps: int
    ) -> tuple[Float[Array, "B S+1 K"], Int[Array, "B S+1"]]:
        """Logits of each token given the most probable ones before it, for ``steps`` tokens and the end token.

        Args:
          features: outputs of the encoder.
          lengths: number of positions in each row; later ones are ignored.
          steps: maximum number of tokens in a prediction.

        Returns:
          Logits, and the position with the highest attention weight for each token. Slots after the first end token
          have no meaning.
        """
        reader = self.reader(features, lengths)

        def step(carry: tuple[_State, Int[Array, " B"]], _: None):
            state, logits, place = reader.advance(*carry)
            return (state, jnp.argmax(logits, axis=-1).astype(jnp.int32)), (logits, place)

        first = jnp.full(features.shape[:1], self.blank_id, jnp.int32)
        _, (logits, places) = jax.lax.scan(step, (reader.start(), first), length=steps + 1)
        return logits.transpose(1, 0, 2), places.T

    @nn.compact
    def reader(self, features: Float[Array, "B T D"], lengths: Int[Array, " B"]) -> "AttentionReader":
        """Decoder for the features of a batch, which searches advance token by token; arguments as above."""
        glorot, zeros = nn.initializers.glorot_uniform(), nn.initializers.zeros
        units, depth = self.units, features.shape[2]

        def kernel(name: str, *shape: int) -> Float[Array, "..."]:
            return jnp.asarray(self.param(name, glorot, shape), self.dtype)

        weights = _Weights(
            position=kernel("position", depth, units),
            query=kernel("query", units, units),
            query_bias=self.param("query_bias", zeros, (units,)),
            score=kernel("score", units, 1),
            context=kernel("context", depth, 4 * units),
            token=kernel("token", self.classes, 4 * units),
            recurrent=kernel("recurrent", units, 4 * units),
            bias=self.param("bias", _forget_open, (4 * units,)),
            output=self.param("output", glorot, (units, self.classes)),
            output_bias=self.param("output_bias", zeros, (self.classes,)),
        )
        live = jnp.arange(features.shape[1]) < lengths[:, None]
        features = jnp.where(live[..., None], features, 0.0).astype(self.dtype)
        return AttentionReader(weights, features, features @ weights.position, live)


class _Weights(NamedTuple):
    """Parameters, with the kernels of every step in the type of matrix products; gates in the order i, f, g, o."""

    position: Float[Array, "D U"]
    query: Float[Array, "U U"]
    query_bias: Float[Array, " U"]
    score: Float[Array, "U 1"]
    context: Float[Array, "D 4*U"]
    token: Float[Array, "K 4*U"]
    recurrent: Float[Array, "U 4*U"]
    bias: Float[Array, " 4*U"]
    output: Float[Array, "U K"]
    output_bias: Float[Array, " K"]


class _State(NamedTuple):
    """Recurrent state, in float32."""

    cell: Float[Array, "B U"]
    hidden: Float[Array, "B U"]


class AttentionReader(NamedTuple):
    """Decoder for the features of a batch: arrays, so that Flax methods can return it."""

    weights: _Weights
    features: Float[Array, "B T D"]
    """Features, zero beyond each length."""
    keys: Float[Array, "B T U"]
    """Contribution of the features to the attention scores, the same for all tokens."""
    live: Bool[Array, "B T"]
    """Mask of the positions within each length."""

    def start(self) -> _State:
        """State before the first token."""
        zero = jnp.zeros((self.features.shape[0], self.weights.query.shape[0]), jnp.float32)
        return _State(zero, zero)

    def token_inputs(self, tokens: Int[Array, "..."]) -> Float[Array, "... 4*U"]:
        """Contribution of the previous token to the gates: the product of its one-hot vector with the kernel."""
        return self.weights.token[tokens] + self.weights.bias

    def step(self, state: _State, token_inputs: Float[Array, "B 4*U"]) -> tuple[_State, Float[Array, "B T"]]:
        """Next state, and the attention weights used for it."""
        weights, dtype = self.weights, self.features.dtype
        hidden = state.hidden.astype(dtype)
        query = (hidden @ weights.query + weights.query_bias).astype(dtype)
        scores = (jnp.tanh(self.keys + query[:, None]) @ weights.score)[..., 0].astype(jnp.float32)
        attention = jax.nn.softmax(jnp.where(self.live, scores, LOWEST))
        context = jnp.einsum("bt,btd->bd", attention.astype(dtype), self.features)
        gates = token_inputs + context @ weights.context + hidden @ weights.recurrent
        return _State(*lstm_step(gates, state.cell)), attention

    def advance(self, state: _State, tokens: Int[Array, " B"]) -> tuple[_State, Float[Array, "B K"], Int[Array, " B"]]:
        """State after a token, logits of the next one, and the position with the highest attention weight for it."""
        state, attention = self.step(state, self.token_inputs(tokens))
        return state, self.logits(state.hidden), jnp.argmax(attention, axis=-1).astype(jnp.int32)

    def logits(self, hidden: Float[Array, "... U"]) -> Float[Array, "... K"]:
        return hidden @ self.weights.output + self.weights.output_bias


def _forget_open(key: Array, shape: tuple[int]) -> Float[Array, " 4*U"]:
    """Initial bias: one for the forget gates (Jozefowicz et al. 2015), zero for the others."""
    del key
    units = shape[0] // 4
    return jnp.zeros(shape).at[units : 2 * units].set(1.0)
