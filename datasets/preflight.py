"""A look at every sample before training starts: bad input is named with its file and line, not met at step 40,000."""

import functools
import hashlib
from array import array
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from datasets.mixture import Mixture
from datasets.needs import Needs
from datasets.sources import BadSampleError, RenderedSource, Source
from recog.images import decode

LOOK_AT_RENDERED = 64
"""Samples of a rendered source that are looked at; they are all made by the same code."""
AT_ONCE = 1024
"""Samples handed to the threads together: a million futures would fill the memory, and an interrupt wait for them."""
SHOWN = 10
"""Bad samples spelt out in a message; the rest are counted."""
NAMED = 100
"""Bad samples of a source that are kept with what is wrong with them."""


class Preflight(NamedTuple):
    """The samples that can be used, and why the others cannot."""

    indices: np.ndarray
    """Usable indices into the source, in order."""
    widths: np.ndarray
    """Width in pixels of each of them after scaling to the model's height."""
    digest: str
    """Of the usable samples' places, labels and encoded pictures; of a rendered source, of what names the stream and
    the labels that were looked at."""
    problems: list[BadSampleError]
    """What is wrong with samples that cannot be used, the first `NAMED` of each source."""
    bad: int
    """How many these are."""
    seen: int
    """Samples that were checked, or are right by construction; each counts once, however often a mixture draws it."""

    def summary(self) -> str:
        """The problems, a line each, the first few spelt out."""
        shown = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if self.bad > SHOWN:
            shown.append(f"  ... and {self.bad - SHOWN} more")
        return "\n".join([f"{self.bad} of {self.seen} samples cannot be used:", *shown])


class Good(NamedTuple):
    """What is known of a sample that can be used."""

    width: int
    """Pixels after scaling."""
    label: str
    """The label as text."""
    content: bytes
    """Digest of the encoded picture; empty for a rendered one, which another processor may draw a little different."""


class BadSamplesError(ValueError):
    """A source holds samples that cannot be trained on."""


def preflight(source: Source, needs: Needs, *, on_bad_sample: str, progress: str | None = None) -> Preflight:
    """Checks that each sample decodes, has a label over the alphabet, and fits into the model's frames.

    Args:
      source: what to check. Of a rendered source only the first few are looked at, and each sample that a mixture
        draws again and again only once; where a bad one has its turn the mixture draws nothing.
      needs: what the model asks for.
      on_bad_sample: ``raise``, or ``skip`` to leave bad samples out.
      progress: title of a progress bar; None shows none.

    Raises:
      BadSamplesError: ``raise`` and a bad sample, no usable sample at all, or a bad one in a rendered source.
    """
    if on_bad_sample not in ("raise", "skip"):
        raise ValueError(f"data.on_bad_sample={on_bad_sample!r}: choose raise or skip")
    result = _look(source, needs, progress)
    if result.problems and on_bad_sample == "raise":
        raise BadSamplesError(
            f"{result.summary()}\nMend them, or leave them out: --config.data.on_bad_sample=skip "
            "(launch.evaluate: --on_bad_sample=skip)"
        )
    return result


def _look(source: Source, needs: Needs, progress: str | None) -> Preflight:
    """What can be used; raises `BadSamplesError` where nothing can."""
    if not len(source):
        raise BadSamplesError("the source holds no sample")
    if isinstance(source, Mixture):
        return _combine(source, [_look(part, needs, progress) for part in source.sources])
    if isinstance(source, RenderedSource):
        return _trust(source, needs)
    return _look_at_each(source, needs, progress)


def _look_at_each(source: Source, needs: Needs, progress: str | None) -> Preflight:
    indices, widths, problems, bad, digest = array("q"), array("q"), [], 0, hashlib.blake2b(digest_size=8)
    outcomes = _checks(source, needs, len(source))
    for index, outcome in enumerate(tqdm(outcomes, progress, len(source), disable=progress is None, leave=False)):
        if isinstance(outcome, BadSampleError):
            if bad < NAMED:
                problems.append(outcome)
            bad += 1
        else:
            indices.append(index)
            widths.append(outcome.width)
            digest.update(f"{index}\t{outcome.label}\n".encode() + outcome.content)
    usable = np.array(indices, np.int64), np.array(widths, np.int64)
    result = Preflight(*usable, digest.hexdigest(), problems, bad, len(source))
    if not indices:
        raise BadSamplesError(result.summary())
    return result


def _combine(mixture: Mixture, parts: list[Preflight]) -> Preflight:
    """What is known of the parts' samples, at their places in the mixture."""
    widths = np.zeros(len(mixture), np.int64)  # 0 where a sample cannot be used
    for number, (source, checked) in enumerate(zip(mixture.sources, parts, strict=True)):
        own, places = np.zeros(len(source), np.int64), mixture.places(number)
        own[checked.indices] = checked.widths
        widths[places] = np.resize(own, len(places))  # again and again
    indices = np.flatnonzero(widths)
    digest = hashlib.blake2b(f"{mixture.counts} {[part.digest for part in parts]}".encode(), digest_size=8)
    problems = [problem for part in parts for problem in part.problems]
    bad, seen = sum(part.bad for part in parts), sum(part.seen for part in parts)
    return Preflight(indices, widths[indices], digest.hexdigest(), problems, bad, seen)


def _trust(source: RenderedSource, needs: Needs) -> Preflight:
    digest = hashlib.blake2b(source.origin(0).encode(), digest_size=8)
    for outcome in _checks(source, needs, min(LOOK_AT_RENDERED, len(source))):
        if isinstance(outcome, BadSampleError):
            raise BadSamplesError(f"a rendered sample does not fit the model: {outcome}")
        digest.update(f"{outcome.label}\n".encode())
    _, width = needs.preprocess.scaled_size(*source.size)
    return Preflight(np.arange(len(source)), np.full(len(source), width), digest.hexdigest(), [], 0, len(source))


def _checks(source: Source, needs: Needs, count: int) -> Iterator[Good | BadSampleError]:
    """The outcome of each of the first ``count`` samples, in order."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, count, AT_ONCE):
            yield from pool.map(functools.partial(_check, source, needs), range(start, min(start + AT_ONCE, count)))


def _check(source: Source, needs: Needs, index: int) -> Good | BadSampleError:
    """What is known of a good sample, or what is wrong with it."""
    try:
        image, label, origin = source[index]
    except BadSampleError as error:
        return BadSampleError(error.origin, error.reason)  # without the frames that its traceback keeps
    try:
        height, width = (decode(image, 1) if isinstance(image, bytes) else image).shape[:2]
        size = needs.preprocess.scaled_size(height, width)
    except ValueError as error:
        return BadSampleError(origin, str(error))
    for reason in needs.problems(label, size).values():
        return BadSampleError(origin, reason)
    content = hashlib.blake2b(image, digest_size=8).digest() if isinstance(image, bytes) else b""
    return Good(size[1], str(label), content)
