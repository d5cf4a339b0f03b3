"""Training of n-gram models on labels, for ``launch.prepare --ngram``."""

import codecs
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from datasets.once import Once
from datasets.report import LOOK_AT_RENDERED
from datasets.sources import BadSampleError
from datasets.specs import open_source
from launch.runs.codecs import make_codec
from launch.runs.config import Config
from recog.codecs import TextCodec
from recog.ctc.arpa import save_arpa
from recog.ctc.kneser_ney import train
from recog.ctc.ngram import NgramModel

ORDER = 5
"""Default order."""
HELD_OUT = 10
"""One of so many different labels measures the perplexity."""
TEXT = "text:"
"""Beginning of the name of a file with one label per line."""


def train_ngram(
    data: str,
    out: str | Path,
    order: int = ORDER,
    count: int | None = None,
    config: Config | None = None,
    on_bad_sample: str = "raise",
) -> NgramModel:
    """Trains a model on all labels, writes it as an ARPA file, and prints its sizes and perplexity.

    The perplexity is that of a model of nine tenths of the labels on the others; equal labels are on one side.

    Args:
      data: ``text:FILE`` with one label per line, or a source of samples, see `datasets.specs.open_source`.
      out: file to write.
      order: number of tokens of the longest n-grams.
      count: samples of a rendered source to use; None takes 2,000.
      config: configuration whose alphabet splits labels into tokens; None takes characters.
      on_bad_sample: ``raise`` or ``skip`` samples that cannot be read.

    Raises:
      ValueError: unknown or empty source, labels that are not texts, or a token that ARPA files cannot hold.
      OSError: a file cannot be read or written.
    """
    out = Path(out).expanduser()
    out.parent.mkdir(parents=True, exist_ok=True)  # before the labels are read, which may take long
    split = _splitter(config)
    if data.startswith(TEXT):
        labels = list(_lines(data))
    else:
        labels = list(_labels(data, count or LOOK_AT_RENDERED, on_bad_sample == "skip"))
    if not labels:
        raise ValueError(f"{data} holds no labels to train on")
    texts = [split(label) for label in labels]
    model = train(texts, order)
    save_arpa(model, out)
    print(f"{data}: {len(texts):,} labels of {sum(map(len, texts)):,} tokens")
    print(*(f"  {number:,} {n}-grams" for n, number in enumerate(model.counts, 1)), sep="\n")
    print(f"  {_measured(texts, order)}")
    print(f"{out}: decode with --decoder=beam --ngram={out}")
    return model


def _measured(texts: list[list[str]], order: int) -> str:
    """Perplexity on held-out labels, in words."""
    held = [zlib.crc32("\0".join(text).encode(errors="surrogatepass")) % HELD_OUT == 0 for text in texts]
    seen, unseen = ([text for text, out in zip(texts, held, strict=True) if out == side] for side in (False, True))
    if not (seen and unseen):
        return "too few different labels to measure the perplexity"
    perplexity, single = (train(seen, n).perplexity(unseen) for n in (order, 1))
    return (
        f"perplexity of a token {perplexity:.2f}, with single tokens alone {single:.2f}, on {len(unseen):,} labels "
        f"after training on the other {len(seen):,}"
    )


def _splitter(config: Config | None) -> Callable[[Any], list[str]]:
    """Function that splits a label into tokens."""
    if config is None:
        return list
    codec = make_codec(config)
    if not isinstance(codec, TextCodec):
        raise ValueError(f"n-gram models are of texts, this configuration is for {codec.kind}: give one of a reader")
    return codec.split


def _lines(data: str) -> Iterator[str]:
    """Lines of a file that are not blank."""
    path = Path(os.path.expandvars(data.removeprefix(TEXT))).expanduser()
    for number, line in enumerate(path.read_bytes().removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        try:
            label = line.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}:{number}: {line[:60]!r} is not UTF-8: save the file as UTF-8") from error
        if label.strip():
            yield label


def _labels(data: str, rendered: int, skip: bool) -> Iterator[str]:
    """Labels of samples; prints how many could not be read."""
    source, skipped = Once(open_source(data), rendered), 0
    for index in tqdm(range(len(source)), "read labels", leave=False):
        try:
            label = source[index].label
        except BadSampleError as error:
            if not skip:
                raise BadSampleError(error.origin, f"{error.reason} (--on_bad_sample=skip skips it)") from error
            skipped += 1
            continue
        label = label if isinstance(label, str) else getattr(label, "text", None)
        if not isinstance(label, str):
            raise ValueError(f"{source.origin(index)}: the label is not a text: n-gram models are of texts")
        if label:
            yield label
    if skipped:
        print(f"{skipped:,} samples that cannot be read are skipped")
