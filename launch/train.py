"""Trains a model: ``python -m launch.train --config=launch/configs/NAME.py --workdir=DIR [--config.a.b=value ...]``.

A work folder that already holds the same run is resumed, bit for bit. Several processes, each with devices of its own,
are one run when each is told of the others (``--coordinator_address``, or ``--distributed=auto``) and all see the same
work folder and samples.
"""

import sys

from absl import flags
from ml_collections import config_flags

from launch.runs import distributed, entry
from launch.runs.training import train


def define_flags() -> None:
    """The flags of this entry point."""
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/, or your own like it.")
    flags.DEFINE_string("workdir", None, "Folder for checkpoints and metrics; a run that it holds is resumed.")
    flags.mark_flags_as_required(["config", "workdir"])
    flags.DEFINE_string("profile_steps", "", "FIRST:LAST, such as 10:20: steps to trace into the workdir's profile/.")
    flags.DEFINE_integer(
        "stopped_status", 0, "Exit status of a run that was asked to stop and has saved, for who starts it again."
    )
    distributed.define_flags()


def main(argv: list[str]) -> None:
    """Reads the flags and trains."""
    del argv
    distributed.join(flags.FLAGS)
    with distributed.together():
        state = train(flags.FLAGS.config, flags.FLAGS.workdir, flags.FLAGS.profile_steps)
        finished = int(state.step) >= flags.FLAGS.config.train.steps
    if not finished:
        sys.exit(flags.FLAGS.stopped_status)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
