"""Counts the parameters and multiply-accumulates of each model.

    python -m launch.cost [--config=launch/configs/NAME.py ...]

Prints input, frames, parameters and multiply-accumulates of reading one picture, for each model in ``launch/configs``
(under the first configuration that has it) or for one configuration. Models that a paper measured on plates of 94x24
are shown with its figures, which count two operations for each multiply-accumulate. Products are counted over the
traced program, each turn of a recurrent loop included; compilers' own counts take a loop's body once.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from launch.runs import entry
from launch.runs.config_file import define_config_flag
from launch.runs.costs import count, count_models
from launch.runs.published import cost_table


def define_flags() -> None:
    """Defines the flags of this command."""
    define_config_flag("A file under launch/configs/; without it, every model is counted.")


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    config = flags.FLAGS.config
    if config:
        costs = {Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem: count(config)}
    else:
        costs = count_models()
    print("\n".join(cost_table(costs)), flush=True)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
