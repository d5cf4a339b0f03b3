"""A decoder that looks where it reads: content attention over an encoder's positions, one token after the other.

As in Baek et al. 2019 (`What is wrong with scene text recognition model comparisons?`, the prediction module Attn),
after Bahdanau et al. 2015: position ``t`` is scored by ``v . tanh(W_h h_t + W_s s + b)`` where ``s`` is the LSTM's
hidden state; the softmax over all positions weights their features to a context; the LSTM goes on from the context and
the token read before, and its hidden state scores the next token.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from recog.ops.recurrent_scan import lstm_step

LOWEST = -1e30
"""Score of a position beyond a length: no weight, and no NaN where a row has no position at all."""


class AttentionDecoder(nn.Module):
    """Reads a sequence of tokens from a sequence of features.

    Example::

      decoder = AttentionDecoder(classes=12, blank_id=0)
      variables = decoder.init(key, features, lengths, tokens)  # features: B T D, lengths: B, tokens: B L
      logits = decoder.apply(variables, features, lengths, tokens)  # B L+1 K, of the tokens and the end
      logits, places = decoder.apply(variables, features, lengths, steps=8, method="run_freely")  # B 9 K, B 9
    """

    classes: int
    units: int = 256
    """Of the LSTM and of the scoring layer."""
    blank_id: int = 0
    """The class that marks the start, as the token before the first one, and the end, as the token after the last one.
    Attention has no other use for a blank, so it keeps the classes that CTC has."""
    dtype: jnp.dtype = jnp.float32
    """Of features and matrix products; states, attention weights and logits are float32."""

    def __call__(
        self, features: Float[Array, "B T D"], lengths: Int[Array, " B"], tokens: Int[Array, "B L"]
    ) -> Float[Array, "B L+1 K"]:
        """Scores of each token after the right tokens before it, and of the end after them all (teacher forcing).

        Args:
          features: what the encoder emits.
          lengths: positions of each row; later ones are ignored.
          tokens: what is to be read, padded with any class; slot ``l`` of the logits depends on those before ``l``.
        """
        reader = self._reader(features, lengths)
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
        """Scores of each token after the most probable ones before it, ``steps`` of them and one for the end.

        Args:
          features: what the encoder emits.
          lengths: positions of each row; later ones are ignored.
          steps: most tokens of a reading.

        Returns:
          Logits, and the position with the highest attention weight for each token. Slots after the first end go on
          from it, and mean nothing.
        """
        reader = self._reader(features, lengths)

        def step(carry: tuple[_State, Int[Array, " B"]], _: None):
            state, attention = reader.step(carry[0], reader.token_inputs(carry[1]))
            logits = reader.logits(state.hidden)
            token, place = (jnp.argmax(x, axis=-1).astype(jnp.int32) for x in (logits, attention))
            return (state, token), (logits, place)

        first = jnp.full(features.shape[:1], self.blank_id, jnp.int32)
        _, (logits, places) = jax.lax.scan(step, (reader.start(), first), length=steps + 1)
        return logits.transpose(1, 0, 2), places.T

    @nn.compact
    def _reader(self, features: Float[Array, "B T D"], lengths: Int[Array, " B"]) -> "_Reader":
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
        return _Reader(weights, features, features @ weights.position, live)


class _Weights(NamedTuple):
    """Parameters; the kernels of all steps in the dtype of matrix products. Gates are in the order i, f, g, o."""

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
    """What goes from token to token, in float32."""

    cell: Float[Array, "B U"]
    hidden: Float[Array, "B U"]


class _Reader(NamedTuple):
    """The decoder in front of a batch."""

    weights: _Weights
    features: Float[Array, "B T D"]
    """Zero beyond each length."""
    keys: Float[Array, "B T U"]
    """The features' part of the scores, the same for all tokens."""
    live: Bool[Array, "B T"]

    def start(self) -> _State:
        zero = jnp.zeros((self.features.shape[0], self.weights.query.shape[0]), jnp.float32)
        return _State(zero, zero)

    def token_inputs(self, tokens: Int[Array, "..."]) -> Float[Array, "... 4*U"]:
        """What the token before adds to the gates: its row is the product of its one-hot vector with the kernel."""
        return self.weights.token[tokens] + self.weights.bias

    def step(self, state: _State, token_inputs: Float[Array, "B 4*U"]) -> tuple[_State, Float[Array, "B T"]]:
        """The next state, and the attention weights that led to it."""
        weights, dtype = self.weights, self.features.dtype
        hidden = state.hidden.astype(dtype)
        query = (hidden @ weights.query + weights.query_bias).astype(dtype)
        scores = (jnp.tanh(self.keys + query[:, None]) @ weights.score)[..., 0].astype(jnp.float32)
        attention = jax.nn.softmax(jnp.where(self.live, scores, LOWEST))
        context = jnp.einsum("bt,btd->bd", attention.astype(dtype), self.features)
        gates = token_inputs + context @ weights.context + hidden @ weights.recurrent
        return _State(*lstm_step(gates, state.cell)), attention

    def logits(self, hidden: Float[Array, "... U"]) -> Float[Array, "... K"]:
        return hidden @ self.weights.output + self.weights.output_bias


def _forget_open(key: Array, shape: tuple[int]) -> Float[Array, " 4*U"]:
    """Zero, but one for the forget gates (Jozefowicz et al. 2015)."""
    del key
    units = shape[0] // 4
    return jnp.zeros(shape).at[units : 2 * units].set(1.0)
