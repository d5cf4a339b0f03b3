"""Reads pictures with an exported artifact alone.

    python -m launch.predict --artifact=ARTIFACT PATH...

Prints ``path<TAB>text<TAB>confidence`` for each picture, in order; with ``--nbest`` a line of JSON with ``path`` and
``readings``, best first, each with ``text`` and ``confidence``. Folders are searched for pictures. A file that cannot
be read gets a line on stderr, the others are still read, and the exit status is 1.

Without ``--decoder`` the decoder is the one that the artifact was exported with. Another one is used instead if the
program returns CTC logits; ``--decoder=lexicon`` and ``--nbest`` need those of a whole text.
"""

import io
import signal
import sys

from absl import flags
from tqdm import tqdm

from launch.runs import decoding, entry
from launch.runs.host_decoding import json_line
from recog.export.artifact import Artifact
from recog.serving.files import find_pictures, read_files


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("artifact", None, "Folder that launch.export wrote.")
    flags.DEFINE_integer("batch_size", 32, "Pictures read together.", lower_bound=1)
    decoding.define_flags()
    flags.mark_flags_as_required(["artifact"])


def main(argv: list[str]) -> None:
    """Reads the pictures; prints as it goes."""
    if len(argv) < 2:
        raise ValueError("name pictures or folders of pictures after the flags")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly in `... | head`
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # any alphabet and any file name
    artifact, batch_size = Artifact.load(flags.FLAGS.artifact), flags.FLAGS.batch_size
    artifact = decoding.artifact_decoded_by(artifact, decoding.from_flags())
    paths, failed = find_pictures(argv[1:]), 0
    quiet = sys.stdout.isatty() or not sys.stderr.isatty() or len(paths) <= batch_size
    nbest = flags.FLAGS.nbest
    outcomes = read_files(artifact, paths, batch_size, nbest)
    for path, outcome in tqdm(outcomes, "predict", len(paths), unit="image", disable=quiet, dynamic_ncols=True):
        if isinstance(outcome, str):
            failed += 1
            print(f"error: {path}: {outcome}", file=sys.stderr, flush=True)
        elif nbest:
            print(json_line("path", str(path), outcome), flush=True)
        else:
            print(f"{path}\t{outcome[0].text}\t{outcome[0].confidence:.4f}", flush=True)
    sys.exit(failed > 0)


if __name__ == "__main__":
    define_flags()
    entry.run(main, arguments=True)
