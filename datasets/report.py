"""Report of a set of samples in one pass: labels, characters, widths, duplicates and problems.

Only 32 bytes per picture are kept, so that sets of millions can be reported.
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float
from tqdm import tqdm

from datasets.buckets import choose_buckets
from datasets.confusion import LookAlikes, find_look_alikes, look_alike_lines
from datasets.duplicates import SPELT_OUT, Digests, Duplicates, Named
from datasets.looks import Look, examine
from datasets.mean_image import mean_image
from datasets.needs import TOO_WIDE, Needs, too_wide
from datasets.once import Once
from datasets.pipeline import DataConfig
from datasets.sources import BadSampleError, Source
from recog.codecs import Problems
from recog.codecs.codec import EMPTY, INFEASIBLE, OUTSIDE, TOO_LONG, WRONG_KIND
from recog.codecs.text_remarks import text_remarks
from recog.ctc import frames_needed
from recog.images import WIDEST

LOOK_AT_RENDERED = 2000
"""Default number of samples of a rendered source to examine."""
STRIDES = (1, 2, 4, 8, 16)
"""Strides in pixels per frame for which narrow pictures are counted."""
UNREADABLE = "unreadable"
PROBLEMS = (UNREADABLE, EMPTY, TOO_LONG, OUTSIDE, INFEASIBLE, TOO_WIDE)
"""Kinds of problems that are always reported, even if none is found. Without a model, only unreadable samples, empty
labels and wide pictures are detected."""


class Report(NamedTuple):
    """Statistics of a set of samples. Unreadable samples only count as a problem."""

    samples: int
    """Number of samples in the source, or in all parts of a mixture."""
    seen: int
    """Number of samples examined, which excludes later samples of rendered sources."""
    usable: int
    """Number of samples without any problem."""
    height: int
    """Height in pixels at which widths are measured."""
    label_lengths: dict[int, int]
    """Number of labels by number of tokens."""
    tokens: dict[str, int]
    """Occurrences of each token, commonest first; tokens are characters unless a model's alphabet has others."""
    outside: tuple[str, ...]
    """Tokens that the model's alphabet lacks."""
    unseen: tuple[str, ...]
    """Tokens of the alphabet that occur in no label."""
    widths: dict[int, int]
    """Number of pictures by width in pixels after scaling to the height."""
    buckets: tuple[int, ...]
    """Padded widths in pixels that suit these pictures; empty if the model stretches them to one width."""
    too_narrow: dict[int, int]
    """Number of labels that need more CTC frames than a model emits, by its stride in pixels per frame."""
    problems: dict[str, int]
    """Number of samples by kind of problem; a sample can have several."""
    remarks: dict[str, int]
    """Number of samples by kind of remark; those that cannot be used by remarks about their labels."""
    examples: dict[str, list[Named]]
    """First samples with each kind of problem or remark."""
    look_alikes: list[LookAlikes]
    """Groups of tokens that look alike, such as Latin A and Cyrillic А."""
    duplicates: Duplicates
    """Groups of equal samples."""
    mean_image: Float[np.ndarray, "H W C"] | None
    """Mean pixels, 0 to 255, of up to 1,000 pictures stretched to the model's or the median width; None if no picture
    can be read."""

    def to_json(self) -> dict[str, Any]:
        """All fields except the mean picture, for JSON."""
        fields = self._asdict() | {"duplicates": self.duplicates._asdict()}
        del fields["mean_image"]
        fields["examples"] = {kind: [named._asdict() for named in found] for kind, found in self.examples.items()}
        fields["look_alikes"] = [{"tokens": x.tokens, "example": x.example._asdict()} for x in self.look_alikes]
        fields["duplicates"]["groups"] = [[named._asdict() for named in group] for group in self.duplicates.groups]
        return fields

    def summary(self) -> list[str]:
        """Summary in a few lines of text."""
        rendered = " (the first of rendered sources)" if self.seen < self.samples else ""
        lines = [f"{self.seen:,} of {self.samples:,} samples looked at{rendered}, {self.usable:,} can be used"]
        for kind, count in (self.problems | self.remarks).items():
            if count:
                first = self.examples[kind][0]
                lines.append(f"{kind.replace('_', ' ')}: {count:,}, such as {first.origin}: {first.text}")
        lines += look_alike_lines(self.look_alikes)
        if self.widths:
            narrow = [f"{count:,} at stride {stride}" for stride, count in self.too_narrow.items() if count]
            lines.append(f"labels of {_span(self.label_lengths)} tokens, {len(self.tokens):,} different tokens")
            lines.append(f"{_span(self.widths)} pixels wide at height {self.height}, median {median(self.widths)}")
            lines.append(f"more frames needed than width / stride: {', '.join(narrow) or 'none'}")
        if self.buckets:
            lines.append(f"buckets that pad least: {', '.join(map(str, self.buckets))}")
        if self.unseen:
            lines.append(f"{len(self.unseen):,} tokens of the alphabet occur in no label")
        return [*lines, self.duplicates.summary()]


def make_report(
    source: Source,
    config: DataConfig,
    needs: Needs | None = None,
    *,
    rendered: int = LOOK_AT_RENDERED,
    progress: str | None = None,
) -> Report:
    """Examines every sample once, but only the first samples of rendered sources, which are practically endless.

    Args:
      source: source to examine. Parts of a mixture count by their samples, not by their weights.
      config: height, channels and rotation; for the mean picture also width (0 uses the median) and filters.
      needs: requirements of a model; None detects only problems that do not depend on a model.
      rendered: number of samples of a rendered source to examine.
      progress: title of a progress bar; None shows none.

    Raises:
      ValueError: the source holds no sample, or a filter is unknown.
    """
    preprocess = config.preprocess
    once = Once(source, rendered)
    if not len(once):
        raise ValueError("the source holds no sample to report: check its path and settings")
    tally = _Tally(config, needs)
    looks = tqdm(examine(once, preprocess, needs), progress, len(once), disable=progress is None, leave=False)
    for index, look in enumerate(looks):
        tally.add(once.origin(index), index, look)
    return tally.report(once)


def median(counts: Mapping[int, int]) -> int:
    """Lower median of integers with their counts; needs one or more."""
    values = sorted(counts)
    running = np.cumsum([counts[value] for value in values])
    return values[int(np.searchsorted(running, (running[-1] + 1) // 2))]


def _span(counts: Mapping[int, int]) -> str:
    """Range as text: ``7``, or ``3 to 9``."""
    return " to ".join(f"{value:,}" for value in sorted({min(counts), max(counts)}))


def _characters(label: Any) -> list[str]:
    """Characters of a label, used as its units if there is no codec."""
    return list(label if isinstance(label, str) else label.text)


class _Tally:
    """Counts of samples, which need not be kept themselves."""

    def __init__(self, config: DataConfig, needs: Needs | None):
        self._config, self._needs = config, needs
        self._known = needs.codec.units if needs else ()
        self._lengths, self._tokens, self._widths = Counter[int](), Counter[str](), Counter[int]()
        self._too_narrow = Counter[int]()
        self._problems, self._remarks = Counter[str](), Counter[str]()
        self._examples: dict[str, list[Named]] = {}
        self._first: dict[str, Named] = {}
        self._seen = self._bad = 0
        self._readable = Digests()

    def add(self, origin: str, index: int, look: Look | BadSampleError) -> None:
        """Counts one sample."""
        if isinstance(look, BadSampleError):
            found = {UNREADABLE: look.reason}
        else:
            self._readable.add(index, look.pixels, look.file, look.digest)
            found = self._count(origin, look)
        self._seen += 1
        self._bad += bool(found)
        self._problems.update(found.keys())
        remarks = {} if isinstance(look, BadSampleError) or WRONG_KIND in found else self._remark(look, not found)
        self._remarks.update(remarks.keys())
        for kind, reason in (found | remarks).items():
            examples = self._examples.setdefault(kind, [])
            if len(examples) < SPELT_OUT:
                examples.append(Named(origin, reason))

    def _count(self, origin: str, look: Look) -> Problems:
        """Counts a readable sample; returns its problems."""
        tokens = self._needs.codec.split(look.label) if self._needs else _characters(look.label)
        needed = int(frames_needed(np.array([tokens]), np.array([len(tokens)]))[0])
        _, own_width = dataclasses.replace(self._config.preprocess, width=0).scaled_size(*look.size)
        width = self._config.width or own_width
        self._lengths[len(tokens)] += 1
        self._tokens.update(tokens)
        for token in tokens:
            if token not in self._first:
                self._first[token] = Named(origin, str(look.label))
        self._widths[own_width] += 1
        self._too_narrow.update(stride for stride in STRIDES if needed > width // stride)
        if self._needs:
            return self._needs.problems(look.label, look.size)
        return too_wide(width) | ({} if look.label else {EMPTY: "the label is empty"})

    def _remark(self, look: Look, usable: bool) -> Problems:
        """Remarks about a readable sample; about its label alone if it cannot be used."""
        of_picture = look.remarks if usable else {}
        if self._needs:
            return self._needs.codec.remarks(look.label) | of_picture
        order = self._config.reading_order
        return (text_remarks(look.label, order) if isinstance(look.label, str) else {}) | of_picture

    def report(self, source: Once) -> Report:
        """Report of the samples counted, which must be those of ``source``."""
        known = frozenset(self._known)
        commonest = dict(sorted(self._tokens.items(), key=lambda item: (-item[1], item[0])))
        fitting = {} if self._config.width else {w: n for w, n in self._widths.items() if w <= WIDEST}
        return Report(
            samples=source.samples,
            seen=self._seen,
            usable=self._seen - self._bad,
            height=self._config.height,
            label_lengths=dict(sorted(self._lengths.items())),
            tokens=commonest,
            outside=tuple(token for token in commonest if token not in known) if self._needs else (),
            unseen=tuple(token for token in self._known if token not in commonest),
            widths=dict(sorted(self._widths.items())),
            buckets=choose_buckets(np.repeat(list(fitting), list(fitting.values()))) if fitting else (),
            too_narrow={stride: self._too_narrow[stride] for stride in STRIDES},
            problems=dict.fromkeys(PROBLEMS, 0) | self._problems,
            remarks=dict(self._remarks),
            examples=self._examples,
            look_alikes=find_look_alikes(commonest, self._first),
            duplicates=self._readable.duplicates(source),
            mean_image=self._mean_image(source),
        )

    def _mean_image(self, source: Source) -> Float[np.ndarray, "H W C"] | None:
        if not self._widths:
            return None
        width = self._config.width or min(median(self._widths), WIDEST)
        return mean_image(
            source, np.asarray(self._readable.indices, np.int64), dataclasses.replace(self._config, width=width)
        )
