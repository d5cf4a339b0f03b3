"""How fast samples become batches, source by source: images/s through the pipeline that training draws from.

    python -m launch.benchmarks.input [--data=SPEC ...] [--workers=0,2] [--seconds=5]

Each ``--data`` is a source as configurations name it (``plates:height=24,width=94``, ``folder:PATH``, see
`datasets.specs`). Without any, all renderers that draw lines are measured, and a folder of JPEG files written from
rendered plates.

A folder is read by a plain torch DataLoader too, where torch is installed: the same files with the same number of
workers, decoded and stretched by the same OpenCV functions to the same size, and collated into batches as large. Our
pipeline is measured as in the first epoch, when each picture is read and decoded, and as in later ones, when those that
fit into ``data.cache_mb`` are in memory. Without workers ours loads in two threads, torch's in the one that asks. The
loaders are kept open and take turns, several rounds of them; what they had loaded ahead is drawn first and not counted,
and the table shows each one's fastest round. A number taken while other processes used these cores is marked ``?``, as
is every ratio made from it, and is no result. How long training waits for its input is in its own log.
"""

import contextlib
import importlib.util
import multiprocessing
import os
import string
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from absl import flags

from datasets.needs import Needs
from datasets.pipeline import DataConfig, make_stream
from datasets.preflight import Preflight, preflight
from datasets.sources import BadSampleError, Folder, RenderedSource, Source, Subset
from datasets.specs import open_source
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, Timing, core_seconds, cores, machine
from launch.runs import entry
from recog.alphabet import CHINESE_PLATES, Alphabet

BATCH, HEIGHT, WIDTH, CHANNELS = 64, 32, 128, 3
"""Of the batches that both loaders make."""
SLOTS = 256
"""For a label's tokens; more than any source has."""
LOOKED_AT = 2048
"""Samples of a source of files that are read, again and again: all of them are checked beforehand."""
RENDERERS = ("arithmetic", "music", "plates", "prices", "receipts", "words")
WRITTEN = "plates:height=96,width=376,seed=1"
"""What the folder's files are drawn by, at the size that crops of photographs have."""
FILES = 512
EPOCHS = 3
"""Drawn by each worker before later epochs are measured: each has seen nearly all pictures by then."""


class Result(NamedTuple):
    """Seconds an image."""

    first: Timing
    """Ours in the first epoch: every picture is read or drawn."""
    later: Timing | None = None
    """Ours in later ones; None for renderers, which draw other pictures then."""
    torch: Timing | None = None
    """Torch's loader, where it was measured."""

    def faster(self, ours: Timing | None) -> str:
        """How many times faster than torch ours is, for the table."""
        if not (ours and self.torch):
            return "-"
        return f"{self.torch.seconds / ours.seconds:.2f}x{'' if ours.alone and self.torch.alone else '?'}"

    @property
    def alone(self) -> bool:
        """Whether the cores were ours meanwhile."""
        return all(timing.alone for timing in self if timing)


class Checked(NamedTuple):
    """A source that is ready to be read, and what reading it takes."""

    source: Source
    alphabet: Alphabet
    found: Preflight


class Pictures:
    """What a torch user writes: a dataset of a folder's pictures and labels, decoded and stretched one at a time."""

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
        how = cv2.INTER_AREA if image.shape[0] > HEIGHT else cv2.INTER_LINEAR
        return cv2.resize(image, (WIDTH, HEIGHT), interpolation=how), self.labels[index], self.lengths[index]


def check(source: Source) -> Checked:
    """Looks at a source once, with an alphabet of all that may stand in it; of files only the first are kept."""
    if not isinstance(source, RenderedSource):
        source = Subset(source, range(min(len(source), LOOKED_AT)))
    seen = set(string.printable.strip() + " ") | set(CHINESE_PLATES.tokens) | _characters(source)
    alphabet = Alphabet(sorted(seen))
    needs = Needs(alphabet, HEIGHT, None, SLOTS, lambda width: None, WIDTH)
    return Checked(source, alphabet, preflight(source, needs, on_bad_sample="skip"))


def _characters(source: Source) -> set[str]:
    """What the labels of the first samples are made of."""
    found = set()
    for index in range(min(len(source), LOOKED_AT if isinstance(source, Subset) else 64)):
        with contextlib.suppress(BadSampleError):
            found.update(source[index].text)
    return found - set("\n\r\ufeff")


def write_folder(spec: str, folder: Path, count: int) -> None:
    """Writes the first pictures of a source as JPEG files, with ``labels.tsv``."""
    source, lines = open_source(spec), []
    for index in range(count):
        image, text, _ = source[index]
        assert isinstance(image, np.ndarray), "renderers draw pixels"
        cv2.imwrite(str(folder / f"{index}.jpg"), image[..., ::-1])
        lines.append(f"{index}.jpg\t{text}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8", newline="")


def our_batches(checked: Checked, workers: int, *, cached: bool = False) -> contextlib.closing:
    """Endless batches through the pipeline; closes its workers when it is left."""
    size = DataConfig.cache_mb if cached else 0
    config = DataConfig(
        batch_size=BATCH,
        height=HEIGHT,
        width=WIDTH,
        channels=CHANNELS,
        max_label_length=SLOTS,
        workers=workers,
        cache_mb=size,
    )
    stream, _ = make_stream(checked.source, checked.found, checked.alphabet, config, seed=0)
    return contextlib.closing(iter(stream))


def torch_batches(folder: Folder, checked: Checked, workers: int) -> Iterator[Any]:
    """Endless batches of the same pictures by a torch DataLoader; its workers end when nobody holds it."""
    from torch.utils.data import DataLoader, RandomSampler  # pyright: ignore[reportMissingImports]

    indices = checked.found.indices.tolist()
    labels = [checked.alphabet.encode(checked.source[index].text) for index in indices]
    pictures = Pictures([folder.folder / folder.key(index).decode() for index in indices], labels)
    return iter(
        DataLoader(
            pictures,  # pyright: ignore[reportArgumentType]
            batch_size=BATCH,
            sampler=RandomSampler(pictures, replacement=True, num_samples=2**40),
            num_workers=workers,
            multiprocessing_context="spawn" if workers else None,  # as ours: JAX's threads do not survive a fork
        )
    )


def _family_seconds() -> float:
    """Seconds of cores that this process and its workers have used."""
    total = time.process_time()
    for child in multiprocessing.active_children():
        with contextlib.suppress(OSError):
            after_name = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")  # user and system
    return total


def _time_block(batches: Iterator[object], ahead: int, seconds: float) -> Timing:
    """Seconds an image of a loader in its stride."""
    for _ in range(ahead):
        next(batches)
    count, busy, own, begin = 0, core_seconds(), _family_seconds(), time.perf_counter()
    while not count or time.perf_counter() < begin + seconds:
        next(batches)
        count += 1
    elapsed = time.perf_counter() - begin
    foreign = (core_seconds() - busy) - (_family_seconds() - own)
    share = foreign / (cores() * elapsed)
    return Timing(elapsed / (count * BATCH), min(max(share, 0.0), 1.0))


def _time_in_turns(loaders: Sequence[Iterator[object]], workers: int, seconds: float, rounds: int) -> list[Timing]:
    ahead = 10 + 4 * workers  # batches that a loader has ready, or nearly
    blocks = [[_time_block(loader, ahead, seconds / rounds) for loader in loaders] for _ in range(rounds)]
    return [min(column) for column in zip(*blocks, strict=True)]


def measure(checked: Checked, folder: Folder | None, workers: int, seconds: float, rounds: int = ROUNDS) -> Result:
    """Our pipeline on a source; of files also with its cache, and beside torch's where that is installed."""
    with our_batches(checked, workers) as first:
        if isinstance(checked.source, RenderedSource):
            return Result(*_time_in_turns([first], workers, seconds, rounds))
        rivals = [torch_batches(folder, checked, workers)] if folder and importlib.util.find_spec("torch") else []
        with our_batches(checked, workers, cached=True) as later:
            for _ in range(EPOCHS * max(workers, 1) * -(-len(checked.found.indices) // BATCH)):
                next(later)
            return Result(*_time_in_turns([first, later, *rivals], workers, seconds, rounds))


def _rate(timing: Timing | None) -> str:
    return f"{1 / timing.seconds:,.0f}{'' if timing.alone else '?'}" if timing else "-"


COLUMNS = f"{'workers':>8}{'first':>10}{'later':>10}{'torch':>10}{'first/torch':>13}{'later/torch':>13}"


def line(spec: str, workers: int, result: Result) -> str:
    """The table's line."""
    rates = "".join(f"{_rate(timing):>10}" for timing in result)
    return f"{spec:<42}{workers:>8}{rates}{result.faster(result.first):>13}{result.faster(result.later):>13}"


def report(specs: Sequence[str], workers: Sequence[int], seconds: float, rounds: int = ROUNDS) -> list[Result]:
    """Measures the sources and prints the table, each line as soon as it is known."""
    print(f"{'images/s':<42}{COLUMNS}", flush=True)
    results = []
    for number, spec in enumerate(specs, 1):
        print(f"measuring {spec} ({number} of {len(specs)})", file=sys.stderr, flush=True)
        source = open_source(spec)
        checked = check(source)
        for count in workers:
            results.append(measure(checked, source if isinstance(source, Folder) else None, count, seconds, rounds))
            shown = f"folder:...{spec[-28:]}" if len(spec) > 40 else spec
            print(line(shown, count, results[-1]), flush=True)
    print(f"batches of {BATCH}x{HEIGHT}x{WIDTH}x{CHANNELS}")
    if not all(result.alone for result in results):
        print(NOT_ALONE)
    print(machine("grain", "opencv-python-headless", "torch"), flush=True)
    return results


def main(argv: list[str]) -> None:
    """Reads the flags; measures and prints a line for each source and number of workers."""
    del argv
    try:
        workers = [int(text) for text in flags.FLAGS.workers]
    except ValueError:
        workers = [-1]
    if not workers or min(workers) < 0:
        raise ValueError(f"--workers={','.join(flags.FLAGS.workers)}: give numbers of worker processes, such as 0,2")
    if flags.FLAGS.data:
        report(flags.FLAGS.data, workers, flags.FLAGS.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_folder(WRITTEN, Path(folder), FILES)
        report([f"folder:{folder}", *RENDERERS], workers, flags.FLAGS.seconds)


if __name__ == "__main__":
    flags.DEFINE_multi_string("data", [], "A source of samples; several may be given.")
    flags.DEFINE_list("workers", ["0", "2"], "Numbers of worker processes; 0 loads in the process itself.")
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each loader.", lower_bound=0.0)
    entry.run(main)
