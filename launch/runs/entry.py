"""Entry points of a checkout: those of `recog.cli.entry`, with messages for configuration files."""

import sys
from collections.abc import Callable

from absl import app

from launch.runs.config_file import ConfigFileError
from recog.cli import entry


def run(main: Callable[[list[str]], None], *, arguments: bool = False) -> None:
    """Runs an entry point; see `recog.cli.entry.run`."""
    entry.run(main, arguments=arguments, parse=parse_arguments)


def parse_arguments(argv: list[str]) -> list[str]:
    """Parses the flags; ends the program with a message if a configuration or one of its fields does not exist."""
    try:
        return app.parse_flags_with_usage(argv)
    except ConfigFileError as error:
        sys.exit(f"error: {error}")
    except KeyError as error:  # an unknown field of the configuration
        overrides = [argument for argument in argv if argument.startswith("--config.")]
        sys.exit(f"error: {error.args[0]}: check the names in {' '.join(overrides)}")
