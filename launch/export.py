"""Exports a trained model: ``python -m launch.export --workdir=DIR --out=ARTIFACT``.

The artifact is a folder that predicts without the code that trained it (see `launch.predict`). It is compared with the
live model before it is written. With ``--decoder=beam`` the program itself decodes by a beam search; attention decoders
can search in no other way, while other readers also take a decoder when they predict. The card names an n-gram model
by its file and sha256. Lexicons and lists of the best texts are no part of a program: `launch.predict` takes them.

The program of a detector takes pictures of another size than those it was trained with if ``--height`` and ``--width``
say so: larger ones show small objects better, and take more time.

The program of a classifier divides its logits by ``--temperature=VALUE``, or by that of the ``calibration.json`` which
``launch.evaluate --calibrate`` wrote, and averages the probabilities of ``--views=whole,flip``.
"""

from absl import flags

from launch.runs import class_options, decoding, entry
from launch.runs.exporting import export


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_string("workdir", None, "Folder that launch.train wrote; its best checkpoint is exported.")
    flags.DEFINE_string("out", None, "New folder for the artifact; an existing artifact is replaced.")
    flags.DEFINE_integer("height", None, "Height of a detector's pictures (that of its training).", 1)
    flags.DEFINE_integer("width", None, "Width of a detector's pictures (that of its training).", 1)
    decoding.define_flags()
    class_options.define_flags()
    flags.mark_flags_as_required(["workdir", "out"])


def main(argv: list[str]) -> None:
    """Reads the flags and exports."""
    del argv
    values = flags.FLAGS
    options = class_options.from_flags()
    export(values.workdir, values.out, decoding.from_flags(), values.height, values.width, options)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
