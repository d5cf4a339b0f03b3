"""Rebuilds a model that comes with the package, ``zoo:NAME``, from its configuration.

    python -m launch.zoo --rebuild=arithmetic --workdir=runs/arithmetic

Prepares samples, trains (or uses the finished run in the work folder), exports in half precision, measures the
artifact, and writes its entry in ``recog/zoo/index.json`` and the page ``docs/MODELS.md``. It is run at the top of a
checkout. Real samples are measured where ``RECOG_REAL_DATA`` names their folder.
"""

from absl import flags

from launch.runs import entry
from launch.runs.zoo import rebuild
from launch.runs.zoo_recipes import RECIPES


def define_flags() -> None:
    """Defines the flags of this entry point."""
    flags.DEFINE_enum("rebuild", None, list(RECIPES), "Name of the model.")
    flags.DEFINE_string("workdir", None, "Work folder of its run.")
    flags.mark_flags_as_required(["rebuild", "workdir"])


def main(argv: list[str]) -> None:
    """Reads the flags and rebuilds the model."""
    del argv
    rebuild(flags.FLAGS.rebuild, flags.FLAGS.workdir)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
