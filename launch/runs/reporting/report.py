"""A report of a model: evaluation, sections and files."""

import dataclasses
import os
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

import numpy as np

from launch.runs.data import check, needs_to_measure
from launch.runs.reporting.boxes import Boxes, box_samples, detection_section
from launch.runs.reporting.calibrating import Fitting
from launch.runs.reporting.characters import characters_section
from launch.runs.reporting.classes import class_rates, class_samples, classes_section
from launch.runs.reporting.collecting import Collected, Split, collect
from launch.runs.reporting.comparing import comparison_section
from launch.runs.reporting.confidence import Confident, confidence_section
from launch.runs.reporting.heading import describe, first_sentence, header, title_of
from launch.runs.reporting.markup import Column, Table, page
from launch.runs.reporting.rates import Parts, Rate, rates_section, tiles_of
from launch.runs.reporting.samples import samples_section
from launch.runs.reporting.section import Section
from launch.runs.reporting.subjects import RunSubject, Subject, open_other, open_subject, require_same_kind
from launch.runs.reporting.texts import Texts
from launch.runs.reporting.writing import PAGE, write_parts, write_table
from recog.codecs import BoxCodec, ClassCodec
from recog.evaluation.grouping import by_length, by_regex
from recog.export.files import CONFIG

FOLDER = "report"
"""Folder of a run's report, within its work folder."""


@dataclasses.dataclass(frozen=True)
class Request:
    """A report that is asked for."""

    workdir: str | None = None
    """Folder of a run; this or ``artifact``."""
    artifact: str | None = None
    data: Sequence[str] = ()
    """Sources of the samples, each a split of its own; none for the run's validation samples."""
    against: str = ""
    """Work folder or artifact of another model; empty for no comparison."""
    group_by: str = ""
    """Regular expression over origins; empty for no groups."""
    out: str = ""
    """Folder to write to; empty for ``report`` within the work folder."""
    on_bad_sample: str = "raise"
    """``raise`` or ``skip`` samples that cannot be used."""
    wanted: float = 0.995
    """Accuracy for which the page gives the threshold."""
    fitting: Fitting = dataclasses.field(default_factory=Fitting)


def make_report(request: Request) -> Path:
    """Evaluates the model and writes ``report.html`` with its parts; returns the path of the page.

    Raises:
      ValueError: an argument does not suit the model or the samples.
    """
    subject = open_subject(request.workdir, request.artifact)
    request.fitting.check(subject)
    out = _folder(request, subject)
    other = open_other(request.against) if request.against else None
    if other:
        require_same_kind(subject.codec, other.codec, (subject.given, other.given))
    splits = _splits(subject, request)
    if request.group_by:
        _check_groups(splits, request.group_by)
    same = _same(other, splits, request) if other else []
    collected = collect(subject, splits)
    groups, parts = _groups(collected, request)
    second = collect(other, same, "read by the other model") if other else None
    rates, sections = _sections(collected, request, groups, parts, second)
    tiles = tiles_of(rates, groups)
    document = describe(collected, request.against, request.group_by)
    write_parts(out, document, sections)
    write_table(out / "predictions.csv", _predictions(collected, groups))
    brief = [first_sentence(collected, rates[0], tiles[0]), *(line for section in sections for line in section.brief)]
    shown = [(section.name, section.title, section.body) for section in sections]
    path = out / PAGE
    path.write_text(page(title_of(collected), header(collected, document, tiles, brief), shown), encoding="utf-8")
    return path


def _folder(request: Request, subject: Subject) -> Path:
    """Folder to write to, before a long computation whose results could not be written."""
    if not request.out and not isinstance(subject, RunSubject):
        raise ValueError("name the folder for the report of an artifact: --out=DIR")
    out = Path(request.out) if request.out else Path(request.workdir or "") / FOLDER
    if (out / CONFIG).exists():
        raise ValueError(f"--out={out} is the folder of a model, whose files a report would replace: choose another")
    if not out.is_dir() and out.exists():
        raise ValueError(f"--out={out} is a file: choose a folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(f"--out={out} cannot be made ({error.strerror}): choose another folder") from None
    if not os.access(out, os.W_OK | os.X_OK):
        raise ValueError(f"--out={out} cannot be written to: choose another folder")
    return out


def _splits(subject: Subject, request: Request) -> list[Split]:
    if len(set(request.data)) < len(request.data):
        raise ValueError(f"--data={' --data='.join(request.data)}: name each source once")
    if request.data:
        return [Split(spec, subject.open(spec, request.on_bad_sample)) for spec in request.data]
    own = subject.own
    if own is None:
        raise ValueError(f"{subject.given} has no validation samples of its own: name samples by --data=folder:PATH")
    return [Split(*own)]


def _same(other: Subject, splits: Sequence[Split], request: Request) -> list[Split]:
    """The samples as another model takes them."""
    asked = needs_to_measure(other.settings, other.codec.for_measuring())
    try:
        return [
            Split(split.name, check(split.samples.source, asked, request.on_bad_sample, "samples of the other model"))
            for split in splits
        ]
    except ValueError as error:
        raise ValueError(f"--against={request.against}: {error}") from None


def _check_groups(splits: Sequence[Split], group_by: str) -> None:
    """Raises ``ValueError`` for a pattern that makes no groups, before a long computation."""
    origins = [split.samples.describe(place) for split in splits for place in split.samples.checked.indices]
    found = by_regex(origins, group_by)
    if len(found) == 1:
        raise ValueError(
            f"--group_by={group_by!r} puts all samples into one group, {next(iter(found))!r}: write a pattern for "
            f"origins such as {origins[0]!r}"
        )


def _groups(collected: Collected, request: Request) -> tuple[list[Hashable] | None, dict[str, Parts]]:
    """Group of each sample, and the division of the samples by split and by group."""
    names = [item.split.name for item in collected.items]
    splits = {split.name: np.flatnonzero([name == split.name for name in names]) for split in collected.splits}
    if not request.group_by:
        return None, {"split": splits}
    found = by_regex([item.origin for item in collected.items], request.group_by)
    groups: list[Hashable] = [""] * len(names)
    for name, members in found.items():
        for place in members:
            groups[place] = name
    return groups, {"split": splits, "group": found}


def _sections(
    collected: Collected,
    request: Request,
    groups: Sequence[Hashable] | None,
    parts: Mapping[str, Parts],
    second: Collected | None,
) -> tuple[list[Rate], list[Section]]:
    """Rates and sections for the model's kind of labels."""
    compared = [comparison_section(collected, second, groups)] if second else []
    further = collected.counts.report()
    match collected.subject.codec:
        case BoxCodec():
            boxes = Boxes(collected)
            rates = boxes.rates()
            return rates, [
                rates_section(rates, parts, groups, further),
                detection_section(boxes),
                *compared,
                box_samples(boxes),
            ]
        case ClassCodec():
            rates = class_rates(collected)
            return rates, [
                rates_section(rates, parts, groups, further),
                classes_section(collected),
                *compared,
                _confidence(collected, request, "classified"),
                class_samples(collected),
            ]
        case _:
            texts = Texts(collected)
            rates = texts.rates()
            return rates, [
                rates_section(rates, {"length": by_length(texts.labels), **parts}, groups, further),
                characters_section(texts),
                *compared,
                _confidence(collected, request, "read"),
                samples_section(texts),
            ]


def _confidence(collected: Collected, request: Request, verb: str) -> Section:
    calibration = request.fitting.fit(collected, request.on_bad_sample)
    request.fitting.store(collected.subject, calibration.temperature.value)
    return confidence_section(Confident(collected.confidences, collected.right, verb), calibration, request.wanted)


def _predictions(collected: Collected, groups: Sequence[Hashable] | None) -> Table:
    columns = ["sample", "split", "group", "label", "prediction", "confidence", "right"]
    own = groups or [""] * len(collected.items)
    rows = [
        [
            item.origin,
            item.split.name,
            group,
            item.prediction.label,
            item.prediction.text,
            item.prediction.confidence,
            int(right),
        ]
        for item, group, right in zip(collected.items, own, collected.right, strict=True)
    ]
    return Table([Column(name) for name in columns], rows)
