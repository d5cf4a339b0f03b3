"""Loaders that the input benchmark compares: our pipeline, and a plain torch DataLoader over the same files."""

import contextlib
import string
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from datasets.needs import Needs
from datasets.pipeline import DataConfig, make_stream
from datasets.preflight import Preflight, preflight
from datasets.sources import BadSampleError, Folder, RenderedSource, Source, Subset
from datasets.specs import open_source
from launch.benchmarks.timing import cores
from recog.alphabet import CHINESE_PLATES, Alphabet
from recog.codecs import TextCodec
from recog.preprocess import Preprocess

BATCH, HEIGHT, WIDTH, CHANNELS = 64, 32, 128, 3
"""Sizes of the batches of both loaders."""
SLOTS = 256
"""Token slots of a label; more than any source needs."""
FILES_READ = 2048
"""Maximum number of samples of a source of files: all of them are checked beforehand, then read again and again."""
RENDERED_READ = 64
"""Samples of a rendered source whose labels tell its characters."""


class Checked(NamedTuple):
    """A source after its preflight, with the codec of its labels."""

    source: Source
    codec: TextCodec
    found: Preflight


class Pictures:
    """A torch user's dataset: pictures and labels of a folder, decoded and stretched one at a time."""

    def __init__(self, paths: Sequence[Path], labels: Sequence[np.ndarray]):
        self.paths = [str(path) for path in paths]
        self.labels = np.zeros((len(labels), SLOTS), np.int32)
        self.lengths = np.array([len(label) for label in labels], np.int32)
        for row, label in zip(self.labels, labels, strict=True):
            row[: len(label)] = label

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        image = cv2.imread(self.paths[index], cv2.IMREAD_COLOR_RGB)
        assert image is not None, "checked beforehand"
        interpolation = cv2.INTER_AREA if image.shape[0] > HEIGHT else cv2.INTER_LINEAR
        return cv2.resize(image, (WIDTH, HEIGHT), interpolation=interpolation), self.labels[index], self.lengths[index]


def check(source: Source) -> Checked:
    """Runs the preflight over a source, with an alphabet of all its characters; of files only the first are kept."""
    if not isinstance(source, RenderedSource):
        source = Subset(source, range(min(len(source), FILES_READ)))
    seen = set(string.printable.strip() + " ") | set(CHINESE_PLATES.tokens) | _characters(source)
    codec = TextCodec(Alphabet(sorted(seen)), SLOTS)
    needs = Needs(Preprocess(HEIGHT, WIDTH, CHANNELS), codec, codec.problems)
    return Checked(source, codec, preflight(source, needs, on_bad_sample="skip"))


def _characters(source: Source) -> set[str]:
    """Characters in the labels of the first samples."""
    found = set()
    for index in range(min(len(source), FILES_READ if isinstance(source, Subset) else RENDERED_READ)):
        with contextlib.suppress(BadSampleError):
            found.update(source[index].label)
    return found - set("\n\r\ufeff")


def write_folder(spec: str, folder: Path, count: int) -> None:
    """Writes the first pictures of a rendered source as JPEG files, with ``labels.tsv``."""
    source, lines = open_source(spec), []
    for index in range(count):
        image, text, _ = source[index]
        assert isinstance(image, np.ndarray), "renderers draw pixels"
        cv2.imwrite(str(folder / f"{index}.jpg"), image[..., ::-1])
        lines.append(f"{index}.jpg\t{text}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8", newline="")


def our_batches(checked: Checked, workers: int, *, cached: bool = False) -> contextlib.closing:
    """Endless batches of our pipeline; a context whose end closes the workers."""
    config = DataConfig(
        batch_size=BATCH,
        height=HEIGHT,
        width=WIDTH,
        channels=CHANNELS,
        max_label_length=SLOTS,
        workers=workers,
        cache_mb=DataConfig.cache_mb if cached else 0,
    )
    stream, _ = make_stream(checked.source, checked.found, checked.codec, config, seed=0)
    return contextlib.closing(iter(stream))


def decoded(folder: Folder, checked: Checked) -> Iterator[list[Any]]:
    """Yields the same pictures, read, decoded and stretched by a thread on each core: the limit of loaders."""
    pictures, random = _pictures(folder, checked), np.random.default_rng(0)
    with ThreadPoolExecutor(cores()) as threads:
        while True:
            yield list(threads.map(pictures.__getitem__, random.integers(len(pictures), size=BATCH).tolist()))


def _pictures(folder: Folder, checked: Checked) -> Pictures:
    indices = checked.found.indices.tolist()
    labels = [checked.codec.alphabet.encode(checked.source[index].label) for index in indices]
    return Pictures([folder.folder / folder.key(index).decode() for index in indices], labels)


def torch_batches(folder: Folder, checked: Checked, workers: int) -> Iterator[Any]:
    """Endless batches of the same pictures by a torch DataLoader, whose workers end with the last reference to it."""
    from torch.utils.data import DataLoader, RandomSampler  # pyright: ignore[reportMissingImports]

    pictures = _pictures(folder, checked)
    return iter(
        DataLoader(
            pictures,  # pyright: ignore[reportArgumentType]
            batch_size=BATCH,
            sampler=RandomSampler(pictures, replacement=True, num_samples=2**40),
            num_workers=workers,
            multiprocessing_context="spawn" if workers else None,  # as ours: JAX's threads do not survive a fork
        )
    )
