"""Trains a model: ``python -m launch.train --config=launch/configs/NAME.py --workdir=DIR [--config.a.b=value ...]``.

If the work folder already holds the same run, the run is resumed, bit for bit. Several processes with their own devices
train one run if they are connected (``--coordinator_address``, or ``--distributed=auto``) and share the work folder and
the samples. A second run on the folder is refused while the first trains.
"""

import sys

from absl import flags

from launch.runs import distributed, entry
from launch.runs.config_file import define_config_flag
from launch.runs.training import train


def define_flags() -> None:
    """Defines the flags of this entry point."""
    define_config_flag("A configuration file, such as those in launch/configs/.")
    flags.DEFINE_string("workdir", None, "Folder for checkpoints and metrics; a run in it is resumed.")
    flags.mark_flags_as_required(["config", "workdir"])
    flags.DEFINE_string("profile_steps", "", "FIRST:LAST, such as 10:20: steps to trace into the workdir's profile/.")
    flags.DEFINE_bool(
        "pictures",
        True,
        "Whether evaluations draw curves.png and pictures for TensorBoard.",
    )
    flags.DEFINE_integer(
        "stopped_status",
        0,
        "Exit status of a run that was stopped by a signal and has saved, for schedulers that restart it.",
    )
    distributed.define_flags()


def main(argv: list[str]) -> None:
    """Reads the flags and trains."""
    del argv
    distributed.join(flags.FLAGS)
    with distributed.together():
        given = flags.FLAGS
        state = train(given.config, given.workdir, given.profile_steps, pictures=given.pictures)
        finished = int(state.step) >= flags.FLAGS.config.train.steps
    if not finished:
        sys.exit(flags.FLAGS.stopped_status)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
