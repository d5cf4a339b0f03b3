"""Counts the parameters and multiply-accumulates of each model.

    python -m launch.cost [--config=launch/configs/NAME.py ...] [--tiles]

Prints input, frames, parameters and multiply-accumulates of reading one picture, for each model in ``launch/configs``
(under the first configuration that has it) or for one configuration. Models that a paper measured on plates of 94x24
are shown with its figures, which count two operations for each multiply-accumulate. Products are counted over the
traced program, each turn of a recurrent loop included; compilers' own counts take a loop's body once.

``--tiles`` prints what a TPU makes of them instead: multiply-accumulates of reading one training batch, those on whole
tiles of its matrix unit (`recog.evaluation.tiles`), and, where a fifth is padding, the sizes that cause it.
"""

from pathlib import Path

from absl import flags
from ml_collections import config_flags

from launch.runs import entry
from launch.runs.config_file import define_config_flag
from launch.runs.costs import config_names, count, count_models, load_config
from launch.runs.published import cost_table
from launch.runs.tile_table import tile_table


def define_flags() -> None:
    """Defines the flags of this command."""
    define_config_flag("A file under launch/configs/; without it, every model is counted.")
    flags.DEFINE_bool("tiles", False, "Whether to count the padding of a TPU's tiles.")


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    config = flags.FLAGS.config
    name = Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem if config else ""
    if flags.FLAGS.tiles:
        lines = tile_table({name: config} if config else {name: load_config(name) for name in config_names()})
    else:
        lines = cost_table({name: count(config)} if config else count_models())
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    define_flags()
    entry.run(main)
