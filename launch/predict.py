"""Reads pictures with an artifact alone: ``python -m launch.predict --artifact=ARTIFACT PATH...``.

Prints ``path<TAB>text<TAB>confidence`` for each picture, in order; folders are searched for pictures. A file that
cannot be read gets a line on stderr, the others are still read, and the exit status is 1.
"""

import io
import signal
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from absl import flags
from tqdm import tqdm

from launch.runs import entry
from recog.codecs import Reading
from recog.export.artifact import Artifact

PICTURES = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp")
"""What is read of a folder; a file that is named is read whatever its name."""


def find_pictures(paths: Sequence[str]) -> list[Path]:
    """Files as they are given, folders as the pictures below them, sorted; a folder without any stands for itself."""
    found = []
    for path in map(Path, paths):
        inside = (p for p in path.rglob("*") if p.suffix.lower() in PICTURES and p.is_file())
        found += sorted(inside) or [path] if path.is_dir() else [path]
    return found


def predict(artifact: Artifact, paths: Sequence[Path], batch_size: int) -> Iterator[tuple[Path, Reading | str]]:
    """Each path with what it reads as, or why it cannot be read; in order, a batch at a time."""

    def load(path: Path):
        try:
            return "a folder without pictures" if path.is_dir() else artifact.fit(path.read_bytes())
        except OSError as error:
            return error.strerror or str(error)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor() as pool:
        for start in range(0, len(paths), batch_size):
            batch = paths[start : start + batch_size]
            loaded = list(pool.map(load, batch))
            readings = iter(artifact.read_fitted([x for x in loaded if not isinstance(x, str)]))
            for path, pixels in zip(batch, loaded, strict=True):
                yield path, pixels if isinstance(pixels, str) else next(readings)


def define_flags() -> None:
    """The flags of this entry point; defined when it runs, so that others can import its functions."""
    flags.DEFINE_string("artifact", None, "Folder that launch.export wrote.")
    flags.DEFINE_integer("batch_size", 32, "Pictures read together.", lower_bound=1)
    flags.mark_flags_as_required(["artifact"])


def main(argv: list[str]) -> None:
    """Reads the flags and the pictures; prints as it goes."""
    if len(argv) < 2:
        raise ValueError("name pictures or folders of pictures after the flags")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `... | head` is no error
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # any alphabet and any file name
    artifact, batch_size = Artifact.load(flags.FLAGS.artifact), flags.FLAGS.batch_size
    paths, failed = find_pictures(argv[1:]), 0
    quiet = sys.stdout.isatty() or not sys.stderr.isatty() or len(paths) <= batch_size
    read = predict(artifact, paths, batch_size)
    for path, outcome in tqdm(read, "predict", len(paths), unit="image", disable=quiet, dynamic_ncols=True):
        if isinstance(outcome, str):
            failed += 1
            print(f"error: {path}: {outcome}", file=sys.stderr, flush=True)
        else:
            print(f"{path}\t{outcome.text}\t{outcome.confidence:.4f}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    define_flags()
    entry.run(main, arguments=True)
