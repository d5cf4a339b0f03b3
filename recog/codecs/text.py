"""Labels that are texts over an alphabet."""

import dataclasses
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Array, Float, Int

from recog.alphabet import Alphabet
from recog.codecs.codec import EMPTY, OUTSIDE, TOO_LONG, WRONG_KIND, CardText, Prediction, Problems, Reading

LONGEST_MEASURED = 256
"""Slots for labels of samples that are only measured on."""


class TextTargets(NamedTuple):
    """Texts as token ids."""

    labels: Int[Any, "B L"]
    """Token ids, padded with zeros."""
    lengths: Int[Any, " B"]
    """Tokens of each label."""


@dataclasses.dataclass(frozen=True)
class TextCodec:
    """Encodes texts token by token.

    Example:
      >>> codec = TextCodec(Alphabet("0123456789"), max_length=4)
      >>> codec.encode("407")
      TextTargets(labels=array([5, 1, 8, 0], dtype=int32), lengths=array(3, dtype=int32))
    """

    alphabet: Alphabet
    max_length: int = 32
    """Slots for a label's tokens."""
    lower_case: bool = False
    """Whether labels are learnt and measured against in lower case."""

    kind: ClassVar[str] = "text"
    compared: ClassVar[tuple[str, ...]] = ("tokens", "lengths", "confidences", "confidence")

    @property
    def units(self) -> tuple[str, ...]:
        """The tokens."""
        return self.alphabet.tokens

    @property
    def class_names(self) -> tuple[str, ...]:
        """The tokens in the order of their ids, and an empty name in the blank's place."""
        tokens = self.alphabet.tokens
        return ("", *tokens) if self.alphabet.blank == "first" else (*tokens, "")

    @property
    def classes(self) -> int:
        """The tokens and the blank."""
        return self.alphabet.classes

    def split(self, label: Any) -> list[str]:
        """The tokens of a text, in lower case where that is what is learnt."""
        return self.alphabet.split(self._learnt(str(label)))

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Empty texts, tokens outside the alphabet, and more tokens than slots."""
        del size
        if not isinstance(label, str):
            return {WRONG_KIND: f"the label is {type(label).__name__}, not a text: the source does not suit a reader"}
        found = {} if label else {EMPTY: "the label is empty"}
        text = self._learnt(label)
        try:
            self.alphabet.encode(text)
        except ValueError as error:
            found[OUTSIDE] = str(error)
        if (count := len(self.alphabet.split(text))) > self.max_length:
            found[TOO_LONG] = self._too_long(text, count)
        return found

    def encode(self, label: Any) -> TextTargets:
        """Token ids of a text.

        Raises:
          ValueError: a token is outside the alphabet, or there are more than `max_length`.
        """
        text = self._learnt(label)
        ids = self.alphabet.encode(text)
        if len(ids) > self.max_length:
            raise ValueError(self._too_long(text, len(ids)))
        return TextTargets(np.pad(ids, (0, self.max_length - len(ids))), np.array(len(ids), np.int32))

    def zeros(self, rows: int) -> TextTargets:
        """Rows without a token."""
        return TextTargets(np.zeros((rows, self.max_length), np.int32), np.zeros(rows, np.int32))

    def show(self, targets: TextTargets) -> list[str]:
        """The texts."""
        rows = zip(*map(np.asarray, targets), strict=True)
        return [self.alphabet.decode(ids[:length].tolist()) for ids, length in rows]

    def readings(self, prediction: Prediction) -> list[Reading]:
        """The texts of ``tokens`` and ``lengths`` with their ``confidence``."""
        texts = self.show(TextTargets(prediction["tokens"], prediction["lengths"]))
        confidences = np.asarray(prediction["confidence"]).tolist()
        return [Reading(text, confidence) for text, confidence in zip(texts, confidences, strict=True)]

    def moved(self, targets: TextTargets, maps: Float[Array, "B 3 3"]) -> TextTargets:
        """The same targets: a text stays what it is wherever it stands."""
        del maps
        return targets

    def for_measuring(self) -> Self:
        """With slots for `LONGEST_MEASURED` tokens."""
        return dataclasses.replace(self, max_length=max(self.max_length, LONGEST_MEASURED))

    def extended(self) -> Self:
        """With one more token, of Unicode's private use area."""
        tokens = self.alphabet.tokens
        more = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in tokens)
        longer = Alphabet((*tokens, more), self.alphabet.blank, self.alphabet.separator)
        return dataclasses.replace(self, alphabet=longer)

    def card_text(self) -> CardText:
        """What a model card says of a reader."""
        tokens = " ".join(f"`{token}`" if token != "`" else "`` ` ``" for token in self.alphabet.tokens)
        first = self.alphabet.blank == "first"
        return CardText(
            title="reads one line of text",
            classes=(
                f"{self.classes} classes: the blank (of CTC, or start and end of an attention decoder) and\n"
                f"{len(self.units)} tokens.\n\nTokens: {tokens}"
            ),
            outputs=_OUTPUTS,
            example="\n".join(
                [
                    'alphabet = codec["alphabet"]',
                    'names = ["", *alphabet["tokens"]]  # id 0 is the blank'
                    if first
                    else 'names = alphabet["tokens"]  # the blank comes last',
                    'ids = found["tokens"][0, : found["lengths"][0]]',
                    'text = alphabet["separator"].join(names[i] for i in ids)',
                ]
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """The alphabet and the settings."""
        return {
            "kind": self.kind,
            "alphabet": self.alphabet.to_dict(),
            "max_length": self.max_length,
            "lower_case": self.lower_case,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Reads what `to_json` wrote."""
        return cls(Alphabet.from_dict(saved["alphabet"]), saved["max_length"], saved["lower_case"])

    def _learnt(self, text: str) -> str:
        return text.lower() if self.lower_case else text

    def _too_long(self, text: str, count: int) -> str:
        return f"label {text!r} has {count} tokens, data.max_label_length is {self.max_length}: raise it"


_OUTPUTS = """\
`tokens` int32 `B S` (ids of the best path, packed to the left), `lengths` int32 `B` (tokens read), `confidences`
float32 `B S` (0 to 1), `frames` int32 `B S` (the frame where each token stands), `confidence` float32 `B` (of the whole
reading). Slots at and beyond `lengths` hold no token. `logits` float32 `B T K` and `logit_lengths` int32 `B` are what
they were decoded from, for decoders of your own; of a model with several branches, `logits.NAME` of each."""
