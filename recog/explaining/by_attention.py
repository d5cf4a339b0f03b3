"""Evidence for characters that attention decoders read: the decoders' own attention."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.explaining.evidence import Asked, Evidence
from recog.models.attention import AttentionReader
from recog.tasks.branches import BranchTask
from recog.tasks.task import Variables, normalize


class Attended(NamedTuple):
    """Decoding of given tokens, and of the end token after the last slot."""

    attention: Float[Array, "B L+1 T"]
    """Weights of the positions for each token."""
    logits: Float[Array, "B L+1 K"]
    """Logits of each token given those before it."""


def attend(task: BranchTask, variables: Variables, asked: Asked) -> Evidence:
    """Decodes what was read once more, by whatever search it was found, and keeps the attention; to be jitted."""
    readers: dict[str, AttentionReader] = task.model.apply(  # pyright: ignore[reportAssignmentType]
        variables, normalize(asked.images), asked.sizes[:, 1], method="readers"
    )
    start_id = task.codec.alphabet.blank_id
    found = {name: _decode(readers[name], tokens, start_id) for name, (tokens, _) in asked.readings.items()}
    maps = jnp.zeros(())
    for number, (_, each) in enumerate(sorted(found.items())):
        slots = jnp.minimum(asked.slots, each.attention.shape[1] - 1)  # those of other branches may be higher
        own = jnp.take_along_axis(each.attention, slots[..., None], axis=1)
        maps += jnp.where((asked.branches == number)[..., None], own, 0.0)
    return Evidence(
        maps[:, :, None],  # one row of positions
        {name: jax.nn.softmax(each.logits) for name, each in found.items()},
        {name: lengths + 1 for name, (_, lengths) in asked.readings.items()},
    )


def _decode(reader: AttentionReader, tokens: Int[Array, "B L"], start_id: int) -> Attended:
    previous = jnp.pad(tokens, ((0, 0), (1, 0)), constant_values=start_id)

    def step(state, token_inputs):
        state, attention = reader.step(state, token_inputs)
        return state, (attention, reader.logits(state.hidden))

    _, (attention, logits) = jax.lax.scan(step, reader.start(), reader.token_inputs(previous.T))
    return Attended(attention.transpose(1, 0, 2), logits.transpose(1, 0, 2))
