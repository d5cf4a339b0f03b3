"""Decoders that suit the texts of an artifact."""

from recog.alphabet import Alphabet
from recog.ctc import Decoder, LexiconSearch


def require_alphabet(decoder: Decoder, alphabet: Alphabet) -> None:
    """Raises ``ValueError`` for a decoder with another blank, or with words over another alphabet."""
    kind, blank_id = type(decoder).__name__, getattr(decoder, "blank_id", alphabet.blank_id)
    if blank_id != alphabet.blank_id:
        raise ValueError(
            f"{kind} takes class {blank_id} for the blank, which is class {alphabet.blank_id} here: "
            f"{kind}(blank_id={alphabet.blank_id}), or blank_id=artifact.codec.alphabet.blank_id for any artifact"
        )
    if isinstance(decoder, LexiconSearch) and decoder.lexicon.alphabet != alphabet:
        raise ValueError(
            f"the lexicon is over {decoder.lexicon.alphabet}, the model reads {alphabet}: build it anew, "
            "Lexicon(words, artifact.codec.alphabet)"
        )
