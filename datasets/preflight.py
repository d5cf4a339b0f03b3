"""A look at every sample before training starts: bad input is named with its file and line, not met at step 40,000."""

import functools
import hashlib
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from datasets.mixture import Mixture
from datasets.sources import BadSampleError, RenderedSource, Source
from recog.alphabet import Alphabet
from recog.images import WIDEST, decode, scaled_width

LOOK_AT_RENDERED = 64
"""Samples of a rendered source that are looked at; they are all made by the same code."""
AT_ONCE = 1024
"""Samples handed to the threads together: a million futures would fill the memory, and an interrupt wait for them."""
SHOWN = 10
"""Bad samples spelt out in a message; the rest are counted."""


class Needs(NamedTuple):
    """What a model asks of its samples."""

    alphabet: Alphabet
    height: int
    """Pixels to which every picture is scaled."""
    max_width: int | None
    """Widest bucket; None when buckets are chosen from the data, up to `recog.images.WIDEST`."""
    max_label_length: int
    """Slots for a label's tokens."""
    frames: Callable[[int], int | None]
    """Frames that CTC has for a picture of a width; None where labels of any length will do."""
    width: int = 0
    """Pixels to which every picture is stretched; 0 keeps the aspect ratio."""


class Preflight(NamedTuple):
    """The samples that can be used, and why the others cannot."""

    indices: np.ndarray
    """Usable indices into the source, in order."""
    widths: np.ndarray
    """Width in pixels of each of them after scaling to the model's height."""
    digest: str
    """Of the usable samples' places, widths and labels: what the order of batches hangs on."""
    problems: list[BadSampleError]
    """One for each sample that cannot be used."""
    seen: int
    """Samples that were checked, or are right by construction; each counts once, however often a mixture draws it."""

    def summary(self) -> str:
        """The problems, a line each, the first few spelt out."""
        shown = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            shown.append(f"  ... and {len(self.problems) - SHOWN} more")
        return "\n".join([f"{len(self.problems)} of {self.seen} samples cannot be used:", *shown])


class Good(NamedTuple):
    """What is known of a sample that can be used."""

    width: int
    """Pixels after scaling."""
    text: str


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
    indices, widths, problems, digest = [], [], [], hashlib.blake2b(digest_size=8)
    outcomes = _checks(source, needs, len(source))
    for index, outcome in enumerate(tqdm(outcomes, progress, len(source), disable=progress is None, leave=False)):
        if isinstance(outcome, BadSampleError):
            problems.append(outcome)
        else:
            indices.append(index)
            widths.append(outcome.width)
            digest.update(f"{index}\t{outcome.width}\t{outcome.text}\n".encode())
    usable = np.array(indices, np.int64), np.array(widths, np.int64)
    result = Preflight(*usable, digest.hexdigest(), problems, len(source))
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
    return Preflight(indices, widths[indices], digest.hexdigest(), problems, sum(part.seen for part in parts))


def _trust(source: RenderedSource, needs: Needs) -> Preflight:
    for outcome in _checks(source, needs, min(LOOK_AT_RENDERED, len(source))):
        if isinstance(outcome, BadSampleError):
            raise BadSamplesError(f"a rendered sample does not fit the model: {outcome}")
    width = needs.width or scaled_width(*source.size, needs.height)
    digest = hashlib.blake2b(source.origin(0).encode(), digest_size=8).hexdigest()  # which names the stream
    return Preflight(np.arange(len(source)), np.full(len(source), width), digest, [], len(source))


def _checks(source: Source, needs: Needs, count: int) -> Iterator[Good | BadSampleError]:
    """The outcome of each of the first ``count`` samples, in order."""
    with ThreadPoolExecutor() as pool:
        for start in range(0, count, AT_ONCE):
            yield from pool.map(functools.partial(_check, source, needs), range(start, min(start + AT_ONCE, count)))


def _check(source: Source, needs: Needs, index: int) -> Good | BadSampleError:
    """What is known of a good sample, or what is wrong with it."""
    try:
        image, text, origin = source[index]
    except BadSampleError as error:
        return error
    try:
        height, width = (decode(image, 1) if isinstance(image, bytes) else image).shape[:2]
        width = needs.width or scaled_width(height, width, needs.height)
        _check_width(needs, width)
        _check_label(needs, text, width)
        return Good(width, text)
    except ValueError as error:
        return BadSampleError(origin, str(error))


def _check_label(needs: Needs, text: str, width: int) -> None:
    """Raises ``ValueError`` unless the label can be learnt from a picture of this width."""
    tokens = needs.alphabet.encode(text)
    if not len(tokens):
        raise ValueError("the label is empty")
    if len(tokens) > needs.max_label_length:
        raise ValueError(
            f"label {text!r} has {len(tokens)} tokens, data.max_label_length is {needs.max_label_length}: raise it"
        )
    needed = len(tokens) + sum(a == b for a, b in itertools.pairwise(tokens))  # a blank between equal neighbours
    frames = needs.frames(width)
    if frames is not None and needed > frames:
        raise ValueError(
            f"label {text!r} needs {needed} frames, the model emits {frames}: widen the picture or drop the sample"
        )


def _check_width(needs: Needs, width: int) -> None:
    """Raises ``ValueError`` unless a picture of this width has a bucket."""
    if needs.max_width is not None and width > needs.max_width:
        raise ValueError(
            f"the picture is {width} pixels wide at height {needs.height}, the widest bucket is {needs.max_width}: "
            "add a wider one to data.buckets"
        )
    if width > WIDEST:
        raise ValueError(
            f"the picture is {width} pixels wide at height {needs.height}, more than {WIDEST}: "
            "crop it or drop the sample"
        )
