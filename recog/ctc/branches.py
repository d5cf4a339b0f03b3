"""Decoding of the branches that read the parts of a text, and composition of the text."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from jaxtyping import Array, Float, Int

from recog.alphabet import Alphabet
from recog.composition import compose
from recog.ctc.beam_decoder import BeamSearch
from recog.ctc.best_path_decoder import BestPath
from recog.ctc.decoder import Decoder
from recog.ctc.parts import search_parts
from recog.decoded import Decoded
from recog.structure import Structure


def require_decoder(structure: Structure, decoder: Decoder) -> BestPath | BeamSearch:
    """Returns a decoder that can decode the branches of a structure.

    Raises:
      ValueError: a decoder of whole texts, or an automaton for a structure that cuts a part from another prediction.
    """
    if not isinstance(decoder, BestPath | BeamSearch):
        raise ValueError(
            f"{type(decoder).__name__} decodes whole texts, this model reads them by parts: decode by the best path or "
            "a beam search"
        )
    if isinstance(decoder, BeamSearch) and decoder.automaton:
        structure.require_concatenation()
    return decoder


def read_branches(
    structure: Structure,
    alphabet: Alphabet,
    alone: Callable[[str], Decoded],
    together: Callable[[Sequence[str], int | None], list[Decoded]] | None = None,
) -> dict[str, Decoded]:
    """Decodes all branches; `recog.composition.compose` makes the text of their readings.

    Args:
      structure: parts and branches.
      alphabet: alphabet of the predictions.
      alone: decoder of one branch, by its name.
      together: decoder of the branches whose predictions in this order are the text, with the separator's id if the
        text has one before its last part; None decodes each branch alone.
    """
    read: dict[str, Decoded] = {}
    if together:
        names = structure.require_concatenation()
        read |= zip(names, together(names, structure.separator_id(alphabet) if len(names) > 1 else None), strict=True)
    return read | {branch.name: alone(branch.name) for branch in structure.branches if branch.name not in read}


@dataclasses.dataclass(frozen=True, eq=False)
class BranchDecoder:
    """Decodes CTC logits of all branches to one text; a value, fit to be jitted and exported.

    Each branch is decoded alone, unless the decoder has an automaton: then the readings of all parts together are the
    most probable ones whose composed text it accepts (`recog.ctc.parts`). Confidences and frames are those of
    `recog.composition.compose`: the confidence of a text is the probability of the readings that it is composed of.

    Raises:
      ValueError: see `require_decoder`.
    """

    structure: Structure
    alphabet: Alphabet
    decoder: Decoder

    def __post_init__(self) -> None:
        require_decoder(self.structure, self.decoder)

    def __call__(self, scores: Mapping[str, tuple[Float[Array, "B T K"], Int[Array, " B"]]]) -> Decoded:
        """Decodes a batch; argument as for `read`."""
        return compose(self.structure, self.alphabet, self.read(scores))

    def read(self, scores: Mapping[str, tuple[Float[Array, "B T K"], Int[Array, " B"]]]) -> dict[str, Decoded]:
        """Decodes the branches of a batch, by name.

        Args:
          scores: logits and number of frames, by name of the branch.
        """
        decoder = require_decoder(self.structure, self.decoder)
        if not isinstance(decoder, BeamSearch) or decoder.automaton is None:
            return read_branches(self.structure, self.alphabet, lambda name: decoder(*scores[name]))
        automaton, free = decoder.automaton, dataclasses.replace(decoder, automaton=None)

        def together(names: Sequence[str], separator: int | None) -> list[Decoded]:
            logits, lengths = zip(*(scores[name] for name in names), strict=True)
            return search_parts(logits, lengths, free, automaton, separator)

        return read_branches(self.structure, self.alphabet, lambda name: free(*scores[name]), together)
