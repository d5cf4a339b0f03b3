"""Measures how fast samples become batches, source by source: images/s through the pipeline that training uses.

    python -m launch.benchmarks.input [--data=SPEC ...] [--workers=0,2] [--seconds=5]

Each ``--data`` is a source as configurations name it (``plates:height=24,width=94``, ``folder:PATH``, see
`datasets.specs`). By default all renderers of text lines are measured, and a folder of JPEG files written from rendered
plates.

A folder is also read by a plain torch DataLoader, where torch is installed: the same files with the same number of
workers, decoded and stretched by the same OpenCV functions to the same size, and collated into batches as large.
``decode`` is what any loader of these files can reach: a thread on each core calls those functions and does nothing
else. Our pipeline is measured as in the first epoch, when each picture is read and decoded, and as in later ones, when
those that fit into ``data.cache_mb`` are in memory. Without workers our pipeline loads in two threads, torch's in the
one that asks. The loaders are kept open and take turns, several rounds of them; batches loaded ahead are drawn first
and not counted, and the table shows each one's fastest round. A number taken while other processes used these cores is
marked ``?``, as is every ratio made from it, and is not a result. A training log tells how long training waits for its
input.
"""

import importlib.util
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from absl import flags

from datasets.sources import Folder, RenderedSource
from datasets.specs import open_source
from launch.benchmarks import input_loaders
from launch.benchmarks.input_loaders import Checked, check, decoded, our_batches, torch_batches, write_folder
from launch.benchmarks.loader_timing import time_loaders
from launch.benchmarks.timing import NOT_ALONE, ROUNDS, Timing, machine
from launch.runs import entry

RENDERERS = ("arithmetic", "lines", "music", "plates", "prices", "receipts", "words")
WRITTEN = "plates:height=96,width=376,seed=1"
"""Renderer of the folder's files, at the size that crops of photographs have."""
FILES = 512
EPOCHS = 3
"""Epochs drawn by each worker before later epochs are measured: each has seen nearly all pictures by then."""
COLUMNS = f"{'workers':>8}{'first':>10}{'later':>10}{'decode':>10}{'torch':>10}{'first/torch':>13}{'later/torch':>13}"


class Result(NamedTuple):
    """Seconds an image."""

    first: Timing
    """Our pipeline in the first epoch: every picture is read or drawn."""
    later: Timing | None = None
    """Our pipeline in later epochs; None for renderers, which draw other pictures then."""
    decode: Timing | None = None
    """Decoding and scaling alone; None for renderers."""
    torch: Timing | None = None
    """Torch's loader, where it was measured."""

    def ratio(self, ours: Timing | None) -> str:
        """Our speed divided by torch's, for the table."""
        if not (ours and self.torch):
            return "-"
        return f"{self.torch.seconds / ours.seconds:.2f}x{'' if ours.alone and self.torch.alone else '?'}"

    @property
    def alone(self) -> bool:
        """Whether no other process disturbed any of the timings."""
        return all(timing.alone for timing in self if timing)


def measure(checked: Checked, folder: Folder | None, workers: int, seconds: float, rounds: int = ROUNDS) -> Result:
    """Times our pipeline on a source; on files also with its cache, decoding, and torch's loader where it is there."""
    size = input_loaders.BATCH
    with our_batches(checked, workers) as first:
        if isinstance(checked.source, RenderedSource):
            return Result(*time_loaders([first], size, workers, seconds, rounds))
        if folder is None:
            rivals = []
        else:
            rivals = [decoded(folder, checked)]
            if importlib.util.find_spec("torch"):
                rivals.append(torch_batches(folder, checked, workers))
        with our_batches(checked, workers, cached=True) as later:
            for _ in range(EPOCHS * max(workers, 1) * -(-len(checked.found.indices) // size)):
                next(later)
            return Result(*time_loaders([first, later, *rivals], size, workers, seconds, rounds))


def line(spec: str, workers: int, result: Result) -> str:
    """The table's line."""
    rates = "".join(f"{_rate(timing):>10}" for timing in result)
    return f"{spec:<42}{workers:>8}{rates}{result.ratio(result.first):>13}{result.ratio(result.later):>13}"


def _rate(timing: Timing | None) -> str:
    return f"{1 / timing.seconds:,.0f}{'' if timing.alone else '?'}" if timing else "-"


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
    size = (input_loaders.BATCH, input_loaders.HEIGHT, input_loaders.WIDTH, input_loaders.CHANNELS)
    print(f"batches of {'x'.join(map(str, size))}")
    if not all(result.alone for result in results):
        print(NOT_ALONE)
    print(machine("grain", "opencv-python-headless", "torch"), flush=True)
    return results


def parse_workers(texts: Sequence[str]) -> list[int]:
    """Parses numbers of worker processes; raises ``ValueError`` for any other text."""
    try:
        workers = [int(text) for text in texts]
    except ValueError:
        workers = [-1]
    if not workers or min(workers) < 0:
        raise ValueError(f"--workers={','.join(texts)}: expected numbers of worker processes, such as 0,2")
    return workers


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    workers = parse_workers(values.workers)
    if values.data:
        report(values.data, workers, values.seconds)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_folder(WRITTEN, Path(folder), FILES)
        report([f"folder:{folder}", *RENDERERS], workers, values.seconds)


if __name__ == "__main__":
    flags.DEFINE_multi_string("data", [], "A source of samples; several may be given.")
    flags.DEFINE_list("workers", ["0", "2"], "Numbers of worker processes; 0 loads in the process itself.")
    flags.DEFINE_float("seconds", 5.0, "Seconds of measured time for each loader.", lower_bound=0.0)
    entry.run(main)
