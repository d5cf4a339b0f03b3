"""What a model asks of its samples, and what is wrong with one that it cannot use."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

from recog.alphabet import Alphabet
from recog.images import WIDEST

TOO_WIDE = "too_wide"
OUTSIDE = "out_of_alphabet"
EMPTY = "empty_label"
TOO_LONG = "label_too_long"
INFEASIBLE = "infeasible"


class Needs(NamedTuple):
    """What a model asks of its samples."""

    alphabet: Alphabet
    height: int
    """Pixels to which every picture is scaled."""
    max_width: int | None
    """Widest bucket; None when buckets are chosen from the data, up to `recog.images.WIDEST`."""
    max_label_length: int
    """Slots for a label's tokens."""
    frames: Callable[[int], int | None]
    """Frames that CTC has for a picture of a width; None where labels of any length will do."""
    width: int = 0
    """Pixels to which every picture is stretched; 0 keeps the aspect ratio."""
    lower_case: bool = False
    """Whether labels are learnt in lower case."""

    def label(self, text: str) -> str:
        """What is learnt of a text."""
        return text.lower() if self.lower_case else text


def frames_needed(tokens: list[str]) -> int:
    """Frames that CTC needs for a label: one a token, and one for a blank between equal neighbours."""
    return len(tokens) + sum(a == b for a, b in itertools.pairwise(tokens))


def unusable(text: str, width: int) -> dict[str, str]:
    """What no model can use, by kind: as `misfits`."""
    found = {}
    if width > WIDEST:
        found[TOO_WIDE] = f"the picture is {width} pixels wide when scaled, more than {WIDEST}: crop it or drop it"
    if not text:
        found[EMPTY] = "the label is empty"
    return found


def misfits(needs: Needs, text: str, width: int) -> dict[str, str]:
    """What a model cannot use of a sample: reasons by kind, none where it fits.

    Args:
      needs: the model's.
      text: the label.
      width: the picture's, pixels after scaling to the model's height.
    """
    text = needs.label(text)
    found, tokens = unusable(text, width), needs.alphabet.split(text)
    if needs.max_width is not None and width > needs.max_width:
        found[TOO_WIDE] = (
            f"the picture is {width} pixels wide at height {needs.height}, the widest bucket is {needs.max_width}: "
            "add a wider one to data.buckets"
        )
    try:
        needs.alphabet.encode(text)
    except ValueError as error:
        found[OUTSIDE] = str(error)
    if len(tokens) > needs.max_label_length:
        found[TOO_LONG] = (
            f"label {text!r} has {len(tokens)} tokens, data.max_label_length is {needs.max_label_length}: raise it"
        )
    needed, frames = frames_needed(tokens), needs.frames(width)
    if frames is not None and needed > frames:
        found[INFEASIBLE] = (
            f"label {text!r} needs {needed} frames, the model emits {frames}: widen the picture or drop the sample"
        )
    return found
