r"""Files of n-gram models in the ARPA format, as KenLM, SRILM, MIT-LM and others read and write them.

Tokens are separated by white space, so a space is written ``<space>``. Files may be compressed by gzip.
"""

import gzip
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np

from recog.ctc.ngram import END, NEVER, UNKNOWN, Grams, NgramModel, pair_keys

SPACE = "<space>"
"""Spelling of the token ' '."""
NO_UNKNOWN = -100.0
"""Log10 probability of unknown tokens in models without `UNKNOWN`, as in KenLM."""
_COUNT = re.compile(rb"ngram\s+(\d+)\s*=\s*(\d+)")
_UNWRITABLE = re.compile(r"[\0\t\n\v\f\r ]")
"""Characters that separate tokens."""


class ArpaError(ValueError):
    """A file is not an ARPA file or is damaged; names the file and the line."""


def load_arpa(path: str | Path) -> NgramModel:
    r"""Loads a model.

    Text before ``\data\`` and after ``\end\`` is ignored. Missing back-offs are 0, probabilities of 0 (``-inf``)
    become `NEVER`, ``<UNK>`` is `UNKNOWN`, and a model without it gets it with the probability `NO_UNKNOWN`.

    Raises:
      ArpaError: the file has another format, is cut short, or contradicts itself.
      OSError: the file cannot be read.
    """
    return _Reader(Path(path)).load()


def save_arpa(model: NgramModel, path: str | Path) -> None:
    """Saves a model, UTF-8.

    Raises:
      ValueError: a token holds white space other than a single space, or is empty.
    """
    for token in model.tokens:
        if token != " " and (not token or _UNWRITABLE.search(token) or token == SPACE):
            raise ValueError(f"token {token!r} cannot be written in an ARPA file: choose another token without spaces")
    lines = ["\\data\\", *(f"ngram {order}={count}" for order, count in enumerate(model.counts, 1)), ""]
    for order, grams in enumerate(model.grams, 1):
        lines.append(f"\\{order}-grams:")
        rows = zip(grams.log10.tolist(), model.spelt(order), grams.backoffs.tolist(), strict=True)
        for log10, tokens, backoff in rows:
            after = f"\t{backoff:.8g}" if order < model.order and tokens[-1] != END else ""
            lines.append(f"{log10:.8g}\t{' '.join(SPACE if token == ' ' else token for token in tokens)}{after}")
        lines.append("")
    Path(path).write_text("\n".join([*lines, "\\end\\", ""]), encoding="utf-8", newline="\n")


class _Reader:
    """Parser of one file."""

    def __init__(self, path: Path):
        self._path, self._number = path, 0
        self._tokens: list[str] = []
        self._tokens_seen: set[str] = set()
        self._ids: dict[bytes, int] = {}
        self._pending = b""
        content = path.read_bytes()
        if content.startswith(b"mmap lm http://kheafield.com/code"):
            raise ArpaError(f"{path} is a binary file of KenLM: give the ARPA file that it was built from")
        if content.startswith(b"\x1f\x8b"):
            try:
                content = gzip.decompress(content)
            except (OSError, EOFError) as error:
                raise ArpaError(f"{path} is not a whole gzip file ({error}): copy it again") from error
        self._lines = self._stripped(content)

    def load(self) -> NgramModel:
        counts = self._header()
        grams: list[Grams] = []
        for order, count in enumerate(counts, 1):
            grams.append(self._section(order, count, grams))
        if self._pending != b"\\end\\":
            self._fail(f"\\end\\ is expected here, not {_shown(self._pending)}: copy or build the file again")
        while len(grams) > 1 and not len(grams[-1].tokens):
            grams.pop()
        if UNKNOWN not in self._tokens:
            self._tokens.append(UNKNOWN)
            added = (0, len(self._tokens) - 1, NO_UNKNOWN, 0.0)
            grams[0] = Grams(*(np.append(x, np.array(y, x.dtype)) for x, y in zip(grams[0], added, strict=True)))
        return NgramModel(tuple(self._tokens), tuple(grams))

    def _stripped(self, content: bytes) -> Iterator[bytes]:
        """Lines that are not blank, without white space at their ends."""
        for self._number, line in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
            if stripped := line.strip():
                yield stripped

    def _line(self) -> bytes:
        line = next(self._lines, None)
        if line is None:
            self._fail("the file ends without \\end\\: it has been cut short, so copy or build it again")
        return line

    def _header(self) -> list[int]:
        """Numbers of n-grams by order."""
        if not any(line == b"\\data\\" for line in self._lines):
            raise ArpaError(f"{self._path} has no line \\data\\: give a model in the ARPA format, such as lmplz writes")
        counts: list[int] = []
        line = self._line()
        while found := _COUNT.fullmatch(line):
            if int(found[1]) != len(counts) + 1:
                self._fail(f"the number of {len(counts) + 1}-grams is expected, not of {int(found[1])}-grams")
            counts.append(int(found[2]))
            line = self._line()
        if not counts or not counts[0]:
            self._fail("\\data\\ announces no 1-grams: lines such as 'ngram 1=38' belong under it")
        self._pending = line
        return counts

    def _section(self, order: int, count: int, below: list[Grams]) -> Grams:
        """N-grams of one order."""
        if not count and self._pending != f"\\{order}-grams:".encode():
            return _no_grams()
        if self._pending != f"\\{order}-grams:".encode():
            self._fail(f"\\{order}-grams: is expected here, not {_shown(self._pending)}")
        spelt, values, numbers = [], [], []
        while not (line := self._line()).startswith(b"\\"):
            ids, pair = self._gram(line, order)
            spelt.append(ids)
            values.append(pair)
            numbers.append(self._number)
        if len(spelt) != count:
            self._fail(
                f"the {order}-grams end here and are {len(spelt):,}, \\data\\ says {count:,}: the file is damaged, so "
                "copy or build it again"
            )
        self._pending = line
        return self._sorted(np.array(spelt, np.int64).reshape(count, order), np.array(values), numbers, below)

    def _gram(self, line: bytes, order: int) -> tuple[list[int], tuple[float, float]]:
        """Ids of the tokens, log10 probability and back-off of a line."""
        fields = line.split()
        if not order + 1 <= len(fields) <= order + 2:
            number = self._number
            self._line()  # the file may end here
            self._fail(
                f"{_shown(line)} has {len(fields)} fields: a {order}-gram has a log10 probability, {order} tokens "
                f"without spaces ({SPACE} is the space), and perhaps a back-off",
                number,
            )
        log10 = self._value(fields[0])
        backoff = self._value(fields[-1]) if len(fields) == order + 2 else 0.0
        if log10 > 0 or backoff == math.inf:
            self._fail(f"{_shown(line)} has a probability above 1: log10 probabilities are 0 or less")
        spelt = fields[1 : order + 1]
        if order == 1:
            self._add(spelt[0])
        try:
            ids = [self._ids[token] for token in spelt]
        except KeyError as error:
            self._fail(
                f"token {_shown(error.args[0])} is not among the 1-grams: the file is damaged, so build it again"
            )
        return ids, (max(log10, NEVER) if math.isinf(log10) else log10, NEVER if math.isinf(backoff) else backoff)

    def _value(self, field: bytes) -> float:
        try:
            value = float(field)
        except ValueError:
            value = math.nan
        if math.isnan(value):
            self._fail(
                f"{_shown(field)} is not a number: each line is log10 probability, tokens, and perhaps a back-off"
            )
        return value

    def _add(self, spelt: bytes) -> None:
        """Adds a token."""
        try:
            token = spelt.decode()
        except UnicodeDecodeError:
            self._fail(f"{spelt!r} is not UTF-8: save the file as UTF-8")
        token = {SPACE: " ", "<UNK>": UNKNOWN}.get(token, token)
        if token in self._tokens_seen:
            self._fail(f"token {token!r} is listed twice: remove one of the lines")
        self._tokens_seen.add(token)
        self._ids[spelt] = len(self._tokens)
        if token == UNKNOWN:
            self._ids[b"<unk>"] = self._ids[b"<UNK>"] = len(self._tokens)
        self._tokens.append(token)

    def _sorted(self, ids: np.ndarray, values: np.ndarray, numbers: list[int], below: list[Grams]) -> Grams:
        """N-grams by context, of which each must exist, and token."""
        if not len(ids):
            return _no_grams()
        contexts = ids[:, 0] if below else np.zeros(len(ids), np.int64)
        for column, grams in enumerate(below[1:], 1):
            contexts = grams.find(contexts, ids[:, column])
        if below and len(lost := np.flatnonzero(contexts < 0)):
            context = " ".join(self._tokens[token] for token in ids[lost[0], :-1])
            self._fail(f"its context {context!r} is not among the n-grams: build the model again", numbers[lost[0]])
        keys = pair_keys(contexts, ids[:, -1])
        order = np.argsort(keys, kind="stable")
        if len(twice := np.flatnonzero(np.diff(keys[order]) == 0)):
            self._fail("this n-gram is listed twice: remove one of the lines", numbers[order[twice[0] + 1]])
        return Grams(
            contexts[order].astype(np.int32), ids[order, -1].astype(np.int32), values[order, 0], values[order, 1]
        )

    def _fail(self, reason: str, number: int | None = None) -> NoReturn:
        raise ArpaError(f"{self._path}:{self._number if number is None else number}: {reason}")


def _no_grams() -> Grams:
    ids, values = np.zeros(0, np.int32), np.zeros(0)
    return Grams(ids, ids, values, values)


def _shown(field: bytes) -> str:
    text = field.decode(errors="backslashreplace")
    return repr(text if len(text) <= 60 else f"{text[:57]}...")
