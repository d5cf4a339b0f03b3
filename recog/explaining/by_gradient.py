"""Evidence for characters that are read by CTC, by `recog.explaining.gradcam`."""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from recog.ctc.loss import occupancies
from recog.explaining.evidence import Asked, Evidence
from recog.explaining.gradcam import Captured, capture, odds_gradient, weigh_columns
from recog.models.stn import pixel_matrices
from recog.structure import WHOLE
from recog.tasks.branches import BranchTask
from recog.tasks.reading import ReadingTask
from recog.tasks.task import Variables, normalize


def differentiate(task: ReadingTask | BranchTask, variables: Variables, asked: Asked) -> Evidence:
    """Differentiates the score of each character, one after the other for all pictures; to be jitted."""
    captured = _capture(task, variables, asked)
    logits, lengths = captured.scores, captured.others
    posteriors = {
        name: occupancies(logits[name], lengths[name], *reading, blank_id=task.codec.alphabet.blank_id)
        for name, reading in asked.readings.items()
    }

    def character(place: tuple[Int[Array, " B"], Int[Array, " B"]]) -> Float[Array, "B Y X"]:
        branches, slots = (x[:, None] for x in place)
        weights = {}
        for number, (name, (tokens, _)) in enumerate(sorted(asked.readings.items())):
            slot = jnp.minimum(slots, tokens.shape[1] - 1)  # those of other branches may be higher
            token = jnp.take_along_axis(tokens, slot, axis=1)[:, 0]
            frames = jnp.take_along_axis(posteriors[name], slot[..., None], axis=2)[..., 0]
            weights[name] = odds_gradient(logits[name], token, jnp.where(branches == number, frames, 0.0))
        return weigh_columns(captured.features, captured.gradient(weights))

    maps = jax.lax.map(character, (asked.branches.T, asked.slots.T))
    matrices = None if captured.theta is None else pixel_matrices(captured.theta, *asked.images.shape[1:3])
    heats = {name: jax.nn.softmax(each) for name, each in logits.items()}
    return Evidence(jnp.moveaxis(maps, 0, 1), heats, lengths, captured.rectified, matrices)


def _capture(task: ReadingTask | BranchTask, variables: Variables, asked: Asked) -> Captured:
    """Logits of each branch, with their numbers of frames as the other outputs."""
    by_parts = isinstance(task, BranchTask)

    def divide(outputs: Any) -> tuple[Any, Any]:
        branches = outputs if by_parts else {WHOLE.branches[0].name: outputs}
        return {n: scores.logits for n, scores in branches.items()}, {
            n: scores.lengths for n, scores in branches.items()
        }

    options = {"method": "score"} if by_parts else {"train": False}
    return capture(task.model, variables, normalize(asked.images), asked.sizes[:, 1], divide=divide, **options)
