"""Reads pictures with exported artifacts alone: of single lines of text, or whole photographs.

    recog-read --artifact=ARTIFACT PATH...    (from a checkout: python -m launch.predict --artifact=ARTIFACT PATH...)

Prints ``path<TAB>text<TAB>confidence`` for each picture, in order; with ``--nbest`` a line of JSON with ``path`` and
``readings``, best first, each with ``text`` and ``confidence``; a classifier lists its ``--top=3`` classes likewise.
Folders are searched for pictures. A file that cannot be read gets a line on stderr, the others are still read, and the
exit status is 1. ``ARTIFACT`` is a folder that ``launch.export`` wrote, or ``zoo:NAME`` for a model of the package.

Without ``--decoder`` the decoder is the one that the artifact was exported with. Another one is used instead if the
program returns CTC logits; ``--decoder=lexicon`` and ``--nbest`` need those of a whole text.

``--runtime=onnx`` reads with ``model.onnx`` and onnxruntime alone, without JAX: it starts sooner and compiles nothing.
Artifacts have that file if ``launch.export --onnx`` added it.

    recog-read --detector=ARTIFACT --artifact=ARTIFACT [--threshold=0.4] [--draw=DIR] [--every=N] PATH...

Finds the plates of photographs, rectifies them by perspective and reads them. Prints a line of JSON for each
photograph: ``file`` and ``plates`` by decreasing detection score, each with ``text``, ``confidence``, ``characters``
(``char``, ``confidence``), ``box`` (left, top, right, bottom), ``corners`` (from which it was rectified, clockwise from
its own top left), ``detection_confidence`` and ``class``. Positions are pixels of the upright photograph. A photograph
without plates has an empty list. Videos are read as well, every frame or every N-th; their lines also have ``frame``
and ``seconds``. ``--draw`` writes the photographs with outlines and texts, as JPEG files. Without ``--artifact`` the
plates are only found, and texts are empty.

    recog-read --artifact=ARTIFACT --submission=FILE.csv [--clip=0.005] [--positive=dog] FOLDER

Writes the probability of one of two classes for each picture ``N.jpg`` as ``id,label``, for contests, sorted by number.
If any picture cannot be read, nothing is written.
"""

import io
import signal
import sys

from absl import flags

from recog.cli import decoding, entry
from recog.cli.predicting import check_flags, define_flags
from recog.cli.predicting_lines import print_lines
from recog.cli.predicting_plates import PlateOptions, print_plates
from recog.cli.submission import Choices, write_submission


def main(argv: list[str]) -> None:
    """Reads the pictures; prints as it goes."""
    values, how = flags.FLAGS, decoding.from_flags()
    check_flags(values, argv[1:], how)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # ends quietly in `... | head`
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="surrogateescape")  # any alphabet and any file name
    if values.submission:
        choices = Choices(values.clip, values.positive, values.batch_size, values.runtime)
        return write_submission(values.artifact, argv[1:], values.submission, choices)
    if values.detector:
        options = PlateOptions(values.threshold, values.draw, values.every, values.batch_size, values.runtime)
        sys.exit(print_plates(values.detector, values.artifact, argv[1:], how, options) > 0)
    sys.exit(print_lines(values.artifact, argv[1:], how, values.batch_size, values.top, values.runtime) > 0)


def command() -> None:
    """The console command."""
    define_flags()
    entry.run_installed(main, __name__, arguments=True)
