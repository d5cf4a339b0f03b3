"""Tables of an automaton that a beam search follows."""

import jax.numpy as jnp
import numpy as np

from recog.ctc.automaton import IMPOSSIBLE, Automaton
from recog.ctc.log_space import LOG_ZERO


class Guide:
    """An automaton on the device, for logits ``B T K``.

    Args:
      automaton: texts to search among.
      frames: ``T``.
      classes: ``K``.
      blank_id: id of the blank.

    Raises:
      ValueError: the automaton has other classes, accepts no text, or none that fits the frames.
    """

    def __init__(self, automaton: Automaton, frames: int, classes: int, blank_id: int):
        following = automaton.following
        if following.shape[1] != classes:
            raise ValueError(f"the automaton has {following.shape[1]} classes, the logits have {classes}")
        needed = automaton.frames_needed()
        fewest = int(needed[0, blank_id])
        if fewest == IMPOSSIBLE:
            raise ValueError("the automaton (pattern, allowed tokens) accepts no text: loosen it")
        if fewest > frames:
            raise ValueError(
                f"the shortest text that the automaton (pattern) accepts needs {fewest} frames, the model emits "
                f"{frames}: widen the picture or allow shorter texts"
            )
        self.needed = jnp.asarray(needed)
        """Frames from each state to the end of a text, after each token."""
        after = np.where(following >= 0, needed[following, np.arange(classes)], IMPOSSIBLE)
        self.after = jnp.asarray(after, jnp.int32)
        """Frames that are needed after each token from each state."""
        self.following, self.weights = jnp.asarray(following), jnp.asarray(automaton.weights)
        self.final = jnp.maximum(jnp.asarray(automaton.final), LOG_ZERO)
