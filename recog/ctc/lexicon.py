"""Word lists to read with."""

import codecs
import hashlib
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import safetensors
import safetensors.numpy
from jaxtyping import Float64

from recog.alphabet import Alphabet
from recog.ctc.trie import Trie, build_trie
from recog.unknown_tokens import shortened

SAVED = ".safetensors"
"""Suffix of the files that `Lexicon.save` writes."""
NAMED = 5
"""Maximum number of words that `Lexicon.remarks` names."""


class LexiconError(ValueError):
    """A lexicon has no word, or its file is malformed, damaged or for another alphabet."""


class Lexicon:
    """Words over an alphabet, each of them once, with their prefix tree.

    Words with tokens that the alphabet lacks are left out, because no reading equals them. Words are compared as they
    are: fold their case first if labels are folded.

    Example::

      lexicon = Lexicon(["total", "cash", "change"], LATIN_36)
      [[(text, confidence)]] = most_probable(logits, lengths, lexicon)

    Attributes:
      alphabet: alphabet of the words.
      words: words, in the order given.
      weights: log weight of each word, which is added to its log probability: 0, or the log of its share of the counts.
      left_out: words with tokens that the alphabet lacks.
      duplicates: number of repetitions, whose counts were added to the first one.
      trie: prefix tree of the words.
    """

    words: tuple[str, ...]
    weights: Float64[np.ndarray, " M"]
    left_out: tuple[str, ...]
    duplicates: int
    trie: Trie

    def __init__(self, words: Iterable[str], alphabet: Alphabet, counts: Sequence[float] | None = None):
        """Builds the tree.

        Args:
          words: words; empty ones are ignored.
          alphabet: alphabet.
          counts: positive frequency of each word, for prior probabilities; without them all words weigh the same.

        Raises:
          LexiconError: no word is left, or the counts do not fit the words.
        """
        words = list(words)
        if counts is not None and (len(counts) != len(words) or not all(0 < x < math.inf for x in counts)):
            raise LexiconError(f"{len(counts)} counts for {len(words)} words: give each word a positive number")
        given = zip(words, [1.0] * len(words) if counts is None else counts, strict=True)
        known, total, left_out = set(alphabet.tokens), dict[str, float](), dict[str, float]()
        self.duplicates = 0
        for word, count in given:
            if word:
                kept = total if known.issuperset(alphabet.split(word)) else left_out
                self.duplicates += word in kept
                kept[word] = kept.get(word, 0.0) + count
        self.alphabet, self.words, self.left_out = alphabet, tuple(total), tuple(left_out)
        if not total:
            raise LexiconError(f"the lexicon has no word{f'; {self.remarks()}' if left_out else ''}")
        shares = np.array(list(total.values()))
        self.weights = np.zeros(len(total)) if counts is None else np.log(shares / shares.sum())
        self.trie = build_trie([alphabet.encode(word).tolist() for word in total], self.weights)
        self._known = frozenset(total)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, text: object) -> bool:
        return text in self._known

    def remarks(self) -> str:
        """Number and examples of the words that were left out, and number of repetitions; empty without any."""
        found = []
        if self.left_out:
            names = ", ".join([*map(shortened, self.left_out[:NAMED]), *["..."] * (len(self.left_out) > NAMED)])
            found.append(f"{len(self.left_out):,} words with tokens that the alphabet lacks are left out: {names}")
        if self.duplicates:
            found.append(f"{self.duplicates:,} words are repeated")
        return "; ".join(found)

    @property
    def sha256(self) -> str:
        """Digest of the word list: words, weights and tree."""
        digest = hashlib.sha256("\n".join(self.words).encode())
        for array in (self.weights, *self.trie):
            digest.update(array.tobytes())
        return digest.hexdigest()

    @classmethod
    def from_file(cls, path: str | Path, alphabet: Alphabet, fold: Callable[[str], str] = str) -> Self:
        """Loads a text file with one word a line, UTF-8, or a file that `save` wrote.

        White space at the ends of words is dropped. A tab and a positive number after a word give its frequency; then
        all words need one.

        Args:
          path: the file.
          alphabet: alphabet of the words.
          fold: changes the words of a text file, for instance to lower case; saved ones are folded already.

        Raises:
          LexiconError: the file is malformed or damaged, or has no word over the alphabet; it names file and line.
        """
        path = Path(path)
        if path.suffix == SAVED:
            return cls._load(path, alphabet)
        words, counts = [], []
        for place, line in _lines(path):
            word, tab, count = line.partition("\t")
            words.append(fold(word.strip()))
            if tab:
                counts.append(_parse_count(place, count))
            if len(counts) not in (0, len(words)):
                raise LexiconError(
                    f"{place}: some words have a count and some have none: give all of them one, or none"
                )
        try:
            return cls(words, alphabet, counts or None)
        except LexiconError as error:
            raise LexiconError(f"{path}: {error}") from None

    def save(self, path: str | Path) -> None:
        """Writes words, weights and tree in the safetensors format, with the digest of the word list.

        Raises:
          LexiconError: the name does not end in ``.safetensors``.
        """
        if Path(path).suffix != SAVED:
            raise LexiconError(f"{path}: name saved lexicons *{SAVED}, by which they are known")
        arrays = self.trie._asdict() | {"weights": self.weights, "list": _bytes(self.words)}
        about = {"sha256": self.sha256, "alphabet": json.dumps(self.alphabet.to_dict())}
        about |= {"left_out": json.dumps(self.left_out), "duplicates": str(self.duplicates)}
        safetensors.numpy.save_file({name: np.ascontiguousarray(x) for name, x in arrays.items()}, path, about)

    @classmethod
    def _load(cls, path: Path, alphabet: Alphabet) -> Self:
        lexicon = cls.__new__(cls)
        try:
            with safetensors.safe_open(path, "numpy") as file:
                about, arrays = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            lexicon.alphabet = Alphabet.from_dict(json.loads(about["alphabet"]))
            lexicon.words = tuple(arrays["list"].tobytes().decode().split("\n"))
            lexicon.left_out, lexicon.duplicates = tuple(json.loads(about["left_out"])), int(about["duplicates"])
            lexicon.weights, lexicon.trie = arrays["weights"], Trie(*(arrays[name] for name in Trie._fields))
            lexicon._known = frozenset(lexicon.words)
            whole = lexicon.sha256 == about["sha256"]
        except (safetensors.SafetensorError, ValueError, LookupError, TypeError) as error:
            raise LexiconError(f"{path} is not a saved lexicon ({error}): save it again") from error
        if not whole:
            raise LexiconError(f"{path} is damaged: its content does not have the digest saved with it; save it again")
        if lexicon.alphabet != alphabet:
            raise LexiconError(
                f"{path} was built for {lexicon.alphabet!r}, this model has {alphabet!r}: build it again"
            )
        return lexicon


def _bytes(words: Sequence[str]) -> np.ndarray:
    return np.frombuffer("\n".join(words).encode(), np.uint8)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Place and content of each line that is not empty, without byte order mark and line break."""
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            text = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError:
            raise LexiconError(f"{path}:{number}: not UTF-8: save the file as UTF-8") from None
        if text:
            yield f"{path}:{number}", text


def _parse_count(place: str, text: str) -> float:
    try:
        count = float(text)
    except ValueError:
        count = math.nan
    if not 0 < count < math.inf:
        raise LexiconError(f"{place}: {shortened(text)} after the tab is not a positive number: a word's frequency")
    return count
