"""Measures the memory and the start of training and evaluation on millions of samples.

    python -m launch.benchmarks.many_samples [--samples=10000000] [--evaluated=N] [--workers=2]

Writes a ``labels.tsv`` with this many different paths. In a process of its own, as `launch.train` does: the file is
opened, a hundredth held out, copies in both parts are looked for, batches are planned, and the first batch is drawn in
the middle of the second epoch, by one of two processes that share each batch. Pictures are a few, read from memory, and
the result of the preflight is made up, because checking each picture takes as long as decoding it: the last lines tell
how long. In another process, as `launch.evaluate` does: the predictions for all samples are counted and written.

Prints core seconds and memory (resident, and the highest so far) after each part; resident memory includes libraries. A
worker process of the loader is counted apart.
"""

import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from absl import flags

from datasets.holdout import split_holdout
from datasets.leaks import find_leaks
from datasets.pipeline import DataConfig, make_stream
from datasets.preflight import Pictures, Preflight, preflight
from datasets.remarks import Remarks
from datasets.sources import Folder, Keyed, Sample
from datasets.specs import open_source
from launch.benchmarks.timing import machine
from launch.runs import entry
from launch.runs.costs import load_config
from launch.runs.data import needs_to_measure
from launch.runs.tasks import make_task
from recog.evaluation.report import write_evaluation
from recog.evaluation.tally import Output, Tally

WRITTEN_AT_ONCE = 100_000
"""Lines of the label file that are written together."""
WIDTHS = (64, 96, 120, 128)
"""Widths of the pictures, made up; one bucket each."""
CHECKED = 512
"""Number of rendered samples that a preflight checks, to tell how long it takes."""
DIGITS = 7
"""Characters of a label."""


class FewPictures:
    """Samples of a source with one picture from memory in place of their own."""

    def __init__(self, source: Keyed, image: np.ndarray):
        self._source, self._image = source, image

    def __len__(self) -> int:
        return len(self._source)

    def __getitem__(self, index: int) -> Sample:
        return Sample(self._image[:, : WIDTHS[index % len(WIDTHS)]], str(index % 10**DIGITS), self.origin(index))

    def origin(self, index: int) -> str:
        """Origin of the sample in the source, from its line."""
        return self._source.origin(index)


class Memory(NamedTuple):
    """Memory of a process in MiB."""

    resident: float
    highest: float

    @classmethod
    def of(cls, process: int | str = "self") -> "Memory":
        """Memory of a process by its id."""
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
        sizes = {line.split(":")[0]: line.split()[1] for line in lines if line.startswith(("VmRSS", "VmHWM"))}
        return cls(*(int(sizes[name]) / 1024 for name in ("VmRSS", "VmHWM")))


def show(part: str) -> None:
    """Prints a line about this process after a part of its work."""
    memory = Memory.of()
    print(f"{part:<44}{time.process_time():>10.1f} s{memory.resident:>10.0f}{memory.highest:>10.0f} MiB", flush=True)


def write_labels(file: Path, samples: int) -> None:
    """Writes lines with different paths of the usual length, and digits as texts."""
    with file.open("w") as lines:
        for start in range(0, samples, WRITTEN_AT_ONCE):
            numbers = range(start, min(start + WRITTEN_AT_ONCE, samples))
            lines.writelines(f"images/{i // 10000:04d}/{i:08d}.jpg\t{_text(i)}\n" for i in numbers)


def _text(index: int) -> str:
    return f"{index * 2654435761 % 10**DIGITS:0{DIGITS}d}"


def made_up(samples: int, seed: int) -> Preflight:
    """Result of a preflight that found all samples usable and all pictures different."""
    indices, random = np.arange(samples, dtype=np.int32), np.random.default_rng(seed)
    digests = [random.integers(2**64, size=samples, dtype=np.uint64) for _ in range(2)]
    widths = np.array(WIDTHS, np.int32)[indices % len(WIDTHS)]
    return Preflight(indices, widths, "", [], 0, samples, Pictures(indices, *digests), Remarks())


def train(folder: Path, workers: int) -> None:
    """Does what `launch.train` does before its first step, and prints a line for each part."""
    import launch.runs.training  # noqa: F401 - libraries count as well

    config = load_config("quickstart")
    config.data = DataConfig(workers=workers, max_label_length=DIGITS)
    codec = make_task(config).codec
    show("libraries")
    source = Folder(folder)
    show("label file")
    training, held = split_holdout(source, 0.01)
    show("a hundredth held out")
    checked = made_up(len(training), 0)
    other = made_up(len(held), 1)
    find_leaks((training, checked.pictures), (held, other.pictures))
    show("copies looked for")
    checked = checked.without_pictures()
    start = 3 * (len(training) // config.data.batch_size) // 2
    pictures = FewPictures(training, np.zeros((config.data.height, max(WIDTHS), 3), np.uint8))
    stream, plan = make_stream(pictures, checked, codec, config.data, seed=0, start=start, process=(1, 2))
    show(f"plan of {plan.per_epoch:,} batches an epoch")
    batches = iter(stream)
    next(batches)
    show("first batch, in the second epoch")
    for child in multiprocessing.active_children():
        assert child.pid is not None, "it has started"
        memory = Memory.of(child.pid)
        print(f"{'a worker':<44}{'':>12}{memory.resident:>10.0f}{memory.highest:>10.0f} MiB", flush=True)
    batches.close()


def outputs(codec, samples: int, rows: int) -> Iterator[Output]:
    """Predictions for all samples, bucket by bucket, of which every tenth is wrong."""
    for bucket in range(len(WIDTHS)):
        own = np.arange(bucket, samples, len(WIDTHS), dtype=np.int32)
        for start in range(0, len(own), rows):
            ids = own[start : start + rows]
            encoded = [codec.encode(_text(index)) for index in ids.tolist()]
            targets = type(encoded[0])(*map(np.stack, zip(*encoded, strict=True)))
            labels, lengths = targets
            read = {"tokens": np.where((ids % 10 == 0)[:, None], labels[::-1], labels), "lengths": lengths}
            read |= {
                "confidences": np.zeros(labels.shape, np.float32),
                "confidence": (ids % 997 / 997).astype(np.float32),
            }
            yield Output(read, targets, ids, np.ones(len(ids), bool))


def evaluate(folder: Path, samples: int) -> None:
    """Does what `launch.evaluate` does but for checking, decoding and the model, and prints a line for each part."""
    import launch.runs.evaluating  # noqa: F401 - libraries count as well

    config = load_config("quickstart")
    config.data = DataConfig(max_label_length=DIGITS)
    task = make_task(config)
    show("libraries")
    source = Folder(folder)
    show("label file")
    checked = made_up(samples, 0).without_pictures()
    show("result of the preflight")
    _, plan = make_stream(source, checked, task.codec, config.data, seed=None)
    _ = plan[0]
    show(f"plan of {plan.per_epoch:,} batches")
    tally = Tally(task, None, ())
    for output in outputs(task.codec, samples, config.data.batch_size):
        tally.add(output)
    show(f"predictions for {samples:,} samples")
    report = write_evaluation(tally.evaluation(1.0), folder / "evaluation", source.origin)
    show(f"files; accuracy {report['accuracy']:.4f}")


def checking() -> None:
    """Prints the core seconds that a preflight takes for each sample."""
    config = load_config("quickstart")
    task = make_task(config)
    with tempfile.TemporaryDirectory() as folder:
        from launch.benchmarks.input_loaders import write_folder

        write_folder(f"arithmetic:count={CHECKED},seed=1", Path(folder), CHECKED)
        needs = needs_to_measure(config.data, task.codec)
        start = time.process_time()
        preflight(open_source(f"folder:{folder}"), needs, on_bad_sample="skip")
        seconds = (time.process_time() - start) / CHECKED
    print(f"the preflight takes {1e6 * seconds:.0f} core microseconds for a JPEG of a line: {2778 * seconds:.1f} core")
    print("hours for 10 million", flush=True)


def main(argv: list[str]) -> None:
    """Prints the figures, or those of one part."""
    del argv
    values = flags.FLAGS
    if values.part:
        if values.part == "train":
            train(Path(values.folder), values.workers)
        else:
            evaluate(Path(values.folder), values.evaluated or values.samples)
        return
    with tempfile.TemporaryDirectory() as folder:
        write_labels(Path(folder) / "labels.tsv", values.samples)
        for part in ("train", "evaluate"):
            print(f"{part + ':':<44}{'core':>12}{'resident':>10}{'highest':>10}", flush=True)
            command = [sys.executable, "-m", "launch.benchmarks.many_samples", *sys.argv[1:]]
            subprocess.run([*command, f"--part={part}", f"--folder={folder}"], check=True)
    checking()
    print(machine("grain", "numpy"), flush=True)


if __name__ == "__main__":
    flags.DEFINE_integer("samples", 10_000_000, "Lines of the label file.", lower_bound=1000)
    flags.DEFINE_integer("evaluated", 0, "Samples of the evaluation; 0 takes all.", lower_bound=0)
    flags.DEFINE_integer("workers", 2, "Worker processes of the loader.", lower_bound=0)
    flags.DEFINE_enum("part", "", ["", "train", "evaluate"], "Part that this process measures; given by the command.")
    flags.DEFINE_string("folder", "", "Folder with the label file; given by the command.")
    entry.run(main)
