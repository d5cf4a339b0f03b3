"""A look at every sample before training starts: bad input is named with its file and line, not met at step 40,000."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from datasets.sources import BadSampleError, RenderedSource, Source
from recog.alphabet import Alphabet
from recog.images import UnreadableImageError, decode, scaled_width

LOOK_AT_RENDERED = 64
"""Samples of a rendered source that are looked at; they are all made by the same code."""
SHOWN = 10
"""Bad samples spelt out in a message; the rest are counted."""


class Needs(NamedTuple):
    """What a model asks of its samples."""

    alphabet: Alphabet
    height: int
    """Pixels to which every picture is scaled."""
    max_width: int | None
    """Widest picture after scaling; None sets no bound."""
    max_label_length: int
    """Slots for a label's tokens."""
    frames: Callable[[int], int]
    """Frames the model emits for a picture of a width."""


class Preflight(NamedTuple):
    """The samples that can be used, and why the others cannot."""

    indices: np.ndarray
    """Usable indices into the source, in order."""
    widths: np.ndarray
    """Width in pixels of each of them after scaling to the model's height."""
    problems: list[BadSampleError]
    """One for each sample that cannot be used."""

    def summary(self) -> str:
        """The problems, a line each, the first few spelt out."""
        shown = [f"  {problem}" for problem in self.problems[:SHOWN]]
        if len(self.problems) > SHOWN:
            shown.append(f"  ... and {len(self.problems) - SHOWN} more")
        return "\n".join([f"{len(self.problems)} of {self.seen} samples cannot be used:", *shown])

    @property
    def seen(self) -> int:
        """Samples looked at."""
        return len(self.indices) + len(self.problems)


class BadSamplesError(ValueError):
    """A source holds samples that cannot be trained on."""


def preflight(source: Source, needs: Needs, *, on_bad_sample: str, progress: str | None = None) -> Preflight:
    """Checks that each sample decodes, has a label over the alphabet, and fits into the model's frames.

    Args:
      source: what to check. Of a rendered source only the first few are looked at.
      needs: what the model asks for.
      on_bad_sample: ``raise``, or ``skip`` to leave bad samples out.
      progress: title of a progress bar; None shows none.

    Raises:
      BadSamplesError: ``raise`` and a bad sample; or no usable sample at all.
    """
    if on_bad_sample not in ("raise", "skip"):
        raise ValueError(f"data.on_bad_sample={on_bad_sample!r}: choose raise or skip")
    if isinstance(source, RenderedSource):
        return _trust(source, needs)
    indices, widths, problems = [], [], []
    bar = tqdm(_checks(source, needs, range(len(source))), progress, len(source), disable=progress is None, leave=False)
    for index, outcome in enumerate(bar):
        if isinstance(outcome, BadSampleError):
            problems.append(outcome)
        else:
            indices.append(index)
            widths.append(outcome)
    result = Preflight(np.array(indices, np.int64), np.array(widths, np.int64), problems)
    if problems and on_bad_sample == "raise":
        raise BadSamplesError(f"{result.summary()}\nMend them, or leave them out with --config.data.on_bad_sample=skip")
    if not indices:
        raise BadSamplesError(result.summary() if problems else "the source holds no sample")
    return result


def _trust(source: RenderedSource, needs: Needs) -> Preflight:
    for outcome in _checks(source, needs, range(min(LOOK_AT_RENDERED, len(source)))):
        if isinstance(outcome, BadSampleError):
            raise BadSamplesError(f"a rendered sample does not fit the model: {outcome}")
    width = scaled_width(*source.size, needs.height)
    return Preflight(np.arange(len(source)), np.full(len(source), width), [])


def _checks(source: Source, needs: Needs, indices: Iterable[int]) -> Iterator[int | BadSampleError]:
    with ThreadPoolExecutor() as pool:
        yield from pool.map(lambda index: _check(source, needs, index), indices)


def _check(source: Source, needs: Needs, index: int) -> int | BadSampleError:
    """The width of a good sample, or what is wrong with it."""
    try:
        image, text, origin = source[index]
    except BadSampleError as error:
        return error
    try:
        pixels = decode(image, 1) if isinstance(image, bytes) else image
        width = scaled_width(*pixels.shape[:2], needs.height)
        _check_label(needs, text, width)
        return width
    except (UnreadableImageError, ValueError) as error:
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
    if needs.max_width is not None and width > needs.max_width:
        raise ValueError(
            f"the picture is {width} pixels wide at height {needs.height}, the widest bucket is {needs.max_width}: "
            "add a wider one to data.buckets"
        )
    needed = len(tokens) + sum(a == b for a, b in zip(tokens[:-1], tokens[1:], strict=True))
    frames = needs.frames(width)
    if needed > frames:
        raise ValueError(
            f"label {text!r} needs {needed} frames, the model emits {frames}: widen the picture or drop the sample"
        )
