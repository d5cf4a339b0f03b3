"""Reads pictures with exported artifacts alone: of single lines of text, or whole photographs.

    python -m launch.predict --artifact=ARTIFACT PATH...

Prints ``path<TAB>text<TAB>confidence`` for each picture, in order; with ``--nbest`` a line of JSON with ``path`` and
``readings``, best first, each with ``text`` and ``confidence``; a classifier lists its ``--top=3`` classes likewise.
Folders are searched for pictures. A file that cannot
be read gets a line on stderr, the others are still read, and the exit status is 1.

Without ``--decoder`` the decoder is the one that the artifact was exported with. Another one is used instead if the
program returns CTC logits; ``--decoder=lexicon`` and ``--nbest`` need those of a whole text.

    python -m launch.predict --detector=ARTIFACT --artifact=ARTIFACT [--threshold=0.4] [--draw=DIR] [--every=N] PATH...

Finds the plates of photographs, rectifies them by perspective and reads them. Prints a line of JSON for each
photograph: ``file`` and ``plates`` by decreasing detection score, each with ``text``, ``confidence``, ``characters``
(``char``, ``confidence``), ``box`` (left, top, right, bottom), ``corners`` (from which it was rectified, clockwise from
its own top left), ``detection_confidence`` and ``class``. Positions are pixels of the upright photograph. A photograph
without plates has an empty list. Videos are read as well, every frame or every N-th; their lines also have ``frame``
and ``seconds``. ``--draw`` writes the photographs with outlines and texts, as JPEG files. Without ``--artifact`` the
plates are only found, and texts are empty.
"""

import io
import signal
import sys

from absl import flags

from launch.runs import decoding, entry
from launch.runs.predicting_lines import print_lines
from launch.runs.predicting_plates import PlateOptions, print_plates
from recog.metrics.boxes import THRESHOLD

OF_DETECTOR = ("threshold", "draw", "every")


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("artifact", None, "Folder that launch.export wrote for a reader or a classifier.")
    flags.DEFINE_string("detector", None, "Folder that launch.export wrote for a detector: reads whole photographs.")
    flags.DEFINE_integer("batch_size", None, "Pictures read together (32), or photographs (8).", lower_bound=1)
    flags.DEFINE_float("threshold", None, f"Minimum score of a detection ({THRESHOLD:g}).", 0, 1)
    flags.DEFINE_string("draw", None, "Folder for the photographs with outlines and texts.")
    flags.DEFINE_integer("every", None, "Reads every n-th frame of videos (1).", lower_bound=1)
    flags.DEFINE_integer("top", None, "Most probable classes to list for each picture, as JSON lines.", lower_bound=1)
    decoding.define_flags()


def main(argv: list[str]) -> None:
    """Reads the pictures; prints as it goes."""
    if len(argv) < 2:
        raise ValueError("name pictures or folders of pictures after the flags")
    values = flags.FLAGS
    if not values.detector:
        if given := [f"--{name}" for name in OF_DETECTOR if getattr(values, name) is not None]:
            raise ValueError(f"nothing uses {' and '.join(given)} without a detector: set --detector=ARTIFACT")
        if not values.artifact:
            raise ValueError("name the artifact of a reader with --artifact, or of a detector with --detector")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly in `... | head`
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # any alphabet and any file name
    how = decoding.from_flags()
    if values.detector:
        if values.top:
            raise ValueError(
                "--top lists the classes of a classifier, which is not named with --detector: leave it out"
            )
        options = PlateOptions(values.threshold, values.draw, values.every, values.batch_size)
        sys.exit(print_plates(values.detector, values.artifact, argv[1:], how, options) > 0)
    sys.exit(print_lines(values.artifact, argv[1:], how, values.batch_size, values.top) > 0)


if __name__ == "__main__":
    define_flags()
    entry.run(main, arguments=True)
