"""Tables of an automaton that a beam search follows."""

import jax.numpy as jnp
import numpy as np
from jax.export import is_symbolic_dim
from jaxtyping import Int

from recog.ctc.automaton import IMPOSSIBLE, Automaton
from recog.ctc.log_space import LOG_ZERO


class TooFewFramesError(ValueError):
    """No text that an automaton accepts fits the frames."""


class Guide:
    """An automaton on the device.

    Args:
      automaton: texts to search among.
      needed: frames from each state to the end of a text, after each token, in each range of frames.
    """

    def __init__(self, automaton: Automaton, needed: Int[np.ndarray, "P N K"]):
        following, classes = automaton.following, np.arange(automaton.following.shape[1])
        self.following, self.weights = jnp.asarray(following), jnp.asarray(automaton.weights)
        self.final = jnp.maximum(jnp.asarray(automaton.final), LOG_ZERO)
        self.needed = jnp.asarray(needed)
        after = [np.where(following >= 0, rows[following, classes], IMPOSSIBLE) for rows in needed]
        self.after = jnp.asarray(np.stack(after), jnp.int32)
        """Frames that are needed after each token from each state, ``P N K``."""


def guide_through(automaton: Automaton, frames: int, classes: int, blank_id: int) -> Guide:
    """Tables of an automaton for logits ``B T K``.

    Args:
      automaton: texts to search among.
      frames: ``T``.
      classes: ``K``.
      blank_id: id of the blank.

    Raises:
      TooFewFramesError: no text that the automaton accepts fits the frames.
      ValueError: the automaton has other classes, or accepts no text.
    """
    if automaton.following.shape[1] != classes:
        raise ValueError(f"the automaton has {automaton.following.shape[1]} classes, the logits have {classes}")
    needed = automaton.frames_needed()
    require_room(int(needed[0, blank_id]), frames)
    return Guide(automaton, needed[None])


def require_room(fewest: int, frames: int) -> None:
    """Raises `TooFewFramesError` if the shortest text of an automaton needs more frames (or tokens) than there are.

    A program that is exported for any number of frames is not checked; it finds no text where there are too few.
    """
    if fewest == IMPOSSIBLE:
        raise ValueError("the automaton (pattern, allowed tokens) accepts no text: loosen it")
    if not is_symbolic_dim(frames) and fewest > frames:
        raise TooFewFramesError(
            f"the shortest text that the automaton (pattern) accepts needs {fewest} frames, the model emits "
            f"{frames}: widen the picture or allow shorter texts"
        )
