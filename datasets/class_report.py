"""Report of a set of pictures with classes in one pass: classes, sizes, duplicates and problems."""

from collections import Counter
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int64
from tqdm import tqdm

from datasets.box_report import PERCENTILES, percentiles
from datasets.class_source import ClassPictures
from datasets.duplicates import SPELT_OUT, Digests, Duplicates, Named
from datasets.looks import Look, examine
from datasets.needs import Needs
from datasets.once import Once
from datasets.picture_remarks import TOO_NARROW
from datasets.report import LOOK_AT_RENDERED, UNREADABLE
from datasets.sources import BadSampleError, RenderedSource, Source
from recog.codecs import Problems
from recog.codecs.codec import EMPTY, WRONG_KIND
from recog.preprocess import Preprocess

PROBLEMS = (UNREADABLE, EMPTY)
"""Kinds of problems that are always reported, even if none is found."""
PROBED = 200
"""Number of samples whose labels are looked at to tell classes from texts."""
NAMED = 50
"""Maximum number of classes in the summary."""
REPEATED = 10
"""Minimum number of samples for each different label among them if labels are classes."""


class ClassReport(NamedTuple):
    """Statistics of a set of pictures with classes. Unreadable samples only count as a problem."""

    samples: int
    """Number of samples in the source, or in all parts of a mixture."""
    seen: int
    """Number of samples examined, which excludes later samples of rendered sources."""
    usable: int
    """Number of samples without any problem."""
    classes: dict[str, int]
    """Number of samples by class name, commonest first."""
    unknown: tuple[str, ...]
    """Class names that the model lacks."""
    unseen: tuple[str, ...]
    """Class names of the model that occur in no label."""
    sizes: dict[str, dict[str, float]]
    """Percentiles of the pictures' width, height and aspect ratio (width / height), by their names."""
    problems: dict[str, int]
    """Number of samples by kind of problem; a sample can have several."""
    remarks: dict[str, int]
    """Number of usable samples by kind of remark."""
    examples: dict[str, list[Named]]
    """First samples with each kind of problem or remark."""
    duplicates: Duplicates
    """Groups of equal pictures."""
    pictures: Int64[np.ndarray, "N 2"]
    """Width and height of each readable picture in pixels."""

    def to_json(self) -> dict[str, Any]:
        """All fields except the single pictures, for JSON."""
        fields = self._asdict() | {"duplicates": self.duplicates._asdict()}
        del fields["pictures"]
        fields["examples"] = {kind: [named._asdict() for named in found] for kind, found in self.examples.items()}
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
        if self.classes:
            share = max(self.classes.values()) / sum(self.classes.values())
            named = [f"{name} {count:,}" for name, count in self.classes.items()]
            more = [f"and {len(named) - NAMED:,} more"] if len(named) > NAMED else []
            lines.append(f"{len(named):,} classes, the commonest of {share:.1%}: {', '.join([*named[:NAMED], *more])}")
        if self.unseen:
            lines.append(f"classes without a sample: {', '.join(self.unseen)}")
        if self.sizes:
            lines.append(f"{', '.join(PERCENTILES)} of:")
            lines += [
                f"  {name}: {', '.join(f'{x:.3g}' for x in values.values())}" for name, values in self.sizes.items()
            ]
        return [*lines, self.duplicates.summary()]


def holds_classes(source: Source) -> bool:
    """Whether the labels of a source are classes, as far as some samples all over it show: each is that of many."""
    if isinstance(source, ClassPictures | RenderedSource):
        return isinstance(source, ClassPictures)
    step = max(1, len(source) // PROBED)
    labels = Counter(filter(None, (_label(source, index) for index in range(0, len(source), step))))
    return 1 < len(labels) <= labels.total() / REPEATED


def _label(source: Source, index: int) -> str:
    try:
        label = source[index].label
    except BadSampleError:
        return ""
    return label if isinstance(label, str) else ""


def make_class_report(
    source: Source,
    preprocess: Preprocess,
    needs: Needs | None = None,
    *,
    rendered: int = LOOK_AT_RENDERED,
    progress: str | None = None,
) -> ClassReport:
    """Examines every sample once, but only the first samples of rendered sources, which are practically endless.

    Args:
      source: source to examine. Parts of a mixture count by their samples, not by their weights.
      preprocess: preprocessing of the pictures.
      needs: requirements of a classifier; None detects only problems that do not depend on a model.
      rendered: number of samples of a rendered source to examine.
      progress: title of a progress bar; None shows none.

    Raises:
      ValueError: the source holds no sample.
    """
    once = Once(source, rendered)
    if not len(once):
        raise ValueError("the source holds no sample to report: check its path and settings")
    tally = _Tally(needs)
    looks = tqdm(examine(once, preprocess, needs), progress, len(once), disable=progress is None, leave=False)
    for index, look in enumerate(looks):
        tally.add(once.origin(index), index, look)
    return tally.report(once)


class _Tally:
    """Counts of samples, which need not be kept themselves."""

    def __init__(self, needs: Needs | None):
        self._needs = needs
        self._pictures: list[tuple[int, int]] = []
        self._classes = Counter[str]()
        self._problems, self._remarks = Counter[str](), Counter[str]()
        self._examples: dict[str, list[Named]] = {}
        self._readable = Digests()
        self._seen = self._bad = 0

    def add(self, origin: str, index: int, look: Look | BadSampleError) -> None:
        """Counts one sample."""
        self._seen += 1
        if isinstance(look, BadSampleError):
            found, remarks = {UNREADABLE: look.reason}, {}
        else:
            self._readable.add(index, look.pixels, look.file, look.digest)
            self._pictures.append((look.size[1], look.size[0]))
            self._classes[str(look.label)] += 1
            found = self._needs.problems(look.label, look.size) if self._needs else _own_problems(look.label)
            remarks = {} if found else {kind: x for kind, x in look.remarks.items() if kind != TOO_NARROW}
        self._bad += bool(found)
        self._problems.update(found.keys())
        self._remarks.update(remarks.keys())
        for kind, reason in (found | remarks).items():
            examples = self._examples.setdefault(kind, [])
            if len(examples) < SPELT_OUT:
                examples.append(Named(origin, reason))

    def report(self, source: Once) -> ClassReport:
        """Report of the samples counted, which must be those of ``source``."""
        pictures = np.array(self._pictures, np.int64).reshape(-1, 2)
        columns = {
            "width in pixels": pictures[:, 0],
            "height in pixels": pictures[:, 1],
            "width / height": pictures[:, 0] / pictures[:, 1],
        }
        known = self._needs.codec.class_names if self._needs else ()
        commonest = dict(sorted(self._classes.items(), key=lambda item: (-item[1], item[0])))
        return ClassReport(
            samples=source.samples,
            seen=self._seen,
            usable=self._seen - self._bad,
            classes=commonest,
            unknown=tuple(name for name in commonest if name not in known) if self._needs else (),
            unseen=tuple(name for name in known if name not in commonest),
            sizes={name: percentiles(values) for name, values in columns.items() if len(values)},
            problems=dict.fromkeys(PROBLEMS, 0) | self._problems,
            remarks=dict(self._remarks),
            examples=self._examples,
            duplicates=self._readable.duplicates(source),
            pictures=pictures,
        )


def _own_problems(label: Any) -> Problems:
    """Problems that any classifier would have with a label."""
    if not isinstance(label, str):
        return {WRONG_KIND: f"the label is {type(label).__name__}, not a class"}
    return {} if label else {EMPTY: "the label is empty: name its class"}
