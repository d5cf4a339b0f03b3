"""Text labels over an alphabet."""

import dataclasses
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from jaxtyping import Float, Int

from recog.alphabet import Alphabet
from recog.codecs.codec import EMPTY, OUTSIDE, TOO_LONG, WRONG_KIND, CardText, Prediction, Problems, Reading
from recog.codecs.reading_order import to_logical, to_visual
from recog.codecs.text_remarks import text_remarks
from recog.look_alikes import strip_ends
from recog.unknown_tokens import shortened

LONGEST_EXAMINED = 10_000
"""Maximum number of tokens in a label whose characters are looked at; a longer one is a mistake in the file."""
LONGEST_MEASURED = 256
"""Maximum number of tokens in a label of an evaluation sample."""


class TextTargets(NamedTuple):
    """Texts of a batch as token ids."""

    labels: Int[Any, "B L"]
    """Token ids, padded with zeros."""
    lengths: Int[Any, " B"]
    """Number of tokens in each label."""


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
    """Maximum number of tokens in a label: slots of the targets."""
    lower_case: bool = False
    """Whether labels are converted to lower case, for training and evaluation."""
    strip: bool = False
    """Whether labels lose white space and invisible characters at their ends, for training and evaluation."""

    reading_order: str = ""
    """``visual`` if labels are stored as they are typed: right-to-left texts are learnt from left to right, as pictures
    show them, and given back as they are typed. ``as_written`` or empty takes them as they are."""

    kind: ClassVar[str] = "text"
    compared: ClassVar[tuple[str, ...]] = ("tokens", "lengths", "confidences", "confidence")
    of_whole_pictures: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.reading_order not in ("", "as_written", "visual"):
            raise ValueError(f"data.reading_order={self.reading_order!r}: choose visual or as_written")
        if self._visual and self.alphabet.separator:
            raise ValueError(
                "data.reading_order=visual orders characters, but tokens are separated by "
                f"{self.alphabet.separator!r}: choose as_written"
            )

    @property
    def units(self) -> tuple[str, ...]:
        """The tokens."""
        return self.alphabet.tokens

    @property
    def class_names(self) -> tuple[str, ...]:
        """Tokens in the order of their ids, with an empty name for the blank."""
        tokens = self.alphabet.tokens
        return ("", *tokens) if self.alphabet.blank == "first" else (*tokens, "")

    @property
    def classes(self) -> int:
        """Number of tokens plus one for the blank."""
        return self.alphabet.classes

    def split(self, label: Any) -> list[str]:
        """Tokens of a text in the order in which they are learnt; none for a label that is not a text."""
        return self.alphabet.split(self.learnt(label)) if isinstance(label, str) else []

    def problems(self, label: Any, size: tuple[int, int]) -> Problems:
        """Finds empty texts, tokens outside the alphabet, and texts with too many tokens."""
        del size
        if not isinstance(label, str):
            return {WRONG_KIND: f"the label is {type(label).__name__}, not a text: the source does not suit a reader"}
        text = self.learnt(label)
        without = f" without the white space of {shortened(label)}" if label else ""
        found = {} if text else {EMPTY: f"the label is empty{without}"}
        count = len(self.alphabet.split(text))
        if count <= LONGEST_EXAMINED:
            try:
                self.alphabet.encode(text)
            except ValueError as error:
                found[OUTSIDE] = self._outside(label, str(error))
        if count > self.max_length:
            found[TOO_LONG] = self._too_long(text, count)
        return found

    def remarks(self, label: Any) -> Problems:
        """Finds white space at the ends of a text, unless it is stripped, invisible characters, quotation marks, and
        right-to-left texts whose order is not configured.
        """
        return text_remarks(strip_ends(label) if self.strip else label, self.reading_order)

    def scaled(self, label: Any, across: float, down: float) -> Any:
        """Returns the label unchanged."""
        del across, down
        return label

    def encode(self, label: Any) -> TextTargets:
        """Encodes a text as token ids.

        Raises:
          ValueError: a token is outside the alphabet, or there are more than `max_length`.
        """
        text = self.learnt(label)
        ids = self.alphabet.encode(text)
        if len(ids) > self.max_length:
            raise ValueError(self._too_long(text, len(ids)))
        padded = np.zeros(self.max_length, np.int32)
        padded[: len(ids)] = ids
        return TextTargets(padded, np.array(len(ids), np.int32))

    def zeros(self, rows: int) -> TextTargets:
        """Targets of rows without tokens."""
        return TextTargets(np.zeros((rows, self.max_length), np.int32), np.zeros(rows, np.int32))

    def show(self, targets: TextTargets) -> list[str]:
        """Text of each row, in the order of the labels."""
        rows = zip(*map(np.asarray, targets), strict=True)
        texts = [self.alphabet.decode(ids[:length].tolist()) for ids, length in rows]
        return [to_logical(text) for text in texts] if self._visual else texts

    def readings(self, prediction: Prediction) -> list[Reading]:
        """Texts from ``tokens`` and ``lengths``, with their ``confidence``."""
        texts = self.show(TextTargets(prediction["tokens"], prediction["lengths"]))
        confidences = np.asarray(prediction["confidence"]).tolist()
        return [Reading(text, confidence) for text, confidence in zip(texts, confidences, strict=True)]

    def paired(self, one: Prediction, other: Prediction) -> tuple[Prediction, Prediction]:
        """The predictions themselves: their order is fixed."""
        return one, other

    def moved(self, targets: TextTargets, maps: Float[Any, "B 3 3"], sizes: Int[Any, "B 2"]) -> TextTargets:
        """Unchanged targets: a text does not depend on positions."""
        del maps, sizes
        return targets

    def for_measuring(self) -> Self:
        """A codec for labels of at least `LONGEST_MEASURED` tokens."""
        return dataclasses.replace(self, max_length=max(self.max_length, LONGEST_MEASURED))

    def extended(self) -> Self:
        """A codec with one more token, from Unicode's private use area."""
        tokens = self.alphabet.tokens
        more = next(chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in tokens)
        longer = Alphabet((*tokens, more), self.alphabet.blank, self.alphabet.separator)
        return dataclasses.replace(self, alphabet=longer)

    def card_text(self) -> CardText:
        """Texts for the model card of a reader."""
        tokens = " ".join(f"`{token}`" if token != "`" else "`` ` ``" for token in self.alphabet.tokens)
        first = self.alphabet.blank == "first"
        reorder = _LOGICAL if self._visual else []
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
                    *reorder,
                ]
            ),
        )

    def lists(self, prediction: Prediction) -> list[list[Reading]]:
        """Best texts of each row from arrays ``B N ...``; places without a text are left out, but for the first."""
        ranks = range(prediction["lengths"].shape[1])
        by_rank = [self.readings({name: x[:, rank] for name, x in prediction.items()}) for rank in ranks]
        return [[first, *filter(_found, others)] for first, *others in zip(*by_rank, strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Alphabet and settings, for JSON."""
        return {
            "kind": self.kind,
            "alphabet": self.alphabet.to_dict(),
            "max_length": self.max_length,
            "lower_case": self.lower_case,
            "reading_order": self.reading_order,
            "strip": self.strip,
        }

    @classmethod
    def from_json(cls, saved: dict[str, Any]) -> Self:
        """Loads the form that `to_json` returns; earlier versions had neither ``strip`` nor ``reading_order``."""
        alphabet = Alphabet.from_dict(saved["alphabet"])
        strip, order = saved.get("strip", False), saved.get("reading_order", "")
        return cls(alphabet, saved["max_length"], saved["lower_case"], strip, order)

    @property
    def _visual(self) -> bool:
        return self.reading_order == "visual"

    def learnt(self, text: str) -> str:
        """The text as it is learnt, token by token from left to right: stripped, in lower case, as configured."""
        text = strip_ends(text) if self.strip else text
        text = text.lower() if self.lower_case else text
        return to_visual(text) if self._visual else text

    def _outside(self, label: str, reason: str) -> str:
        """Reason why a label does not fit the alphabet, which may be that it is converted to lower case."""
        as_written = dataclasses.replace(self, lower_case=False)
        if not self.lower_case or OUTSIDE in as_written.problems(label, (1, 1)):
            return reason
        return (
            f"label {shortened(label)} fits the alphabet as it is written, but data.lower_case converts it: "
            "set --config.data.lower_case=false"
        )

    def _too_long(self, text: str, count: int) -> str:
        return f"label {shortened(text)} has {count} tokens, data.max_label_length is {self.max_length}: raise it"


def _found(reading: Reading) -> bool:
    return bool(reading.text or reading.confidence > 0)


_OUTPUTS = """\
`tokens` int32 `B S` (ids of the reading, packed to the left), `lengths` int32 `B` (tokens read), `confidences`
float32 `B S` (0 to 1), `frames` int32 `B S` (the frame of each token), `confidence` float32 `B` (of the whole
reading). Slots at and beyond `lengths` hold no token. `logits` float32 `B T K` and `logit_lengths` int32 `B`, from
which they were decoded, serve other decoders; a model with several branches has `logits.NAME` for each."""

_LOGICAL = ["from bidi.algorithm import get_display", 'text = get_display(text, base_dir="R")  # as it is typed']
"""Lines of Python that put a right-to-left text into the order in which it is typed."""
