"""Errors that a user can mend are shown as a sentence, not as a traceback."""

import sys
from collections.abc import Callable

from absl import app, flags, logging

from launch.runs.compilation_cache import use_compilation_cache
from launch.runs.host_memory import keep_host_memory


def run(main: Callable[[list[str]], None], *, arguments: bool = False) -> None:
    """Runs an entry point: bad flags, settings and input end it with one message and exit status 1.

    Unless it takes ``arguments`` beside its flags, any is an error: it may be a flag that lacks its dashes.
    ``--verbosity=1`` shows the traceback of what ``main`` raised, and what libraries log.
    """

    def friendly_main(argv: list[str]) -> None:
        keep_host_memory()
        use_compilation_cache()
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # the progress bar is enough; libraries log much at INFO
        if argv[1:] and not arguments:
            sys.exit(f"error: {argv[1]!r} is no flag: flags are written --name=value")
        try:
            main(argv)
        except (ValueError, OSError, FloatingPointError) as error:
            if flags.FLAGS.verbosity > 0:
                raise
            sys.exit(f"error: {error}\n(--verbosity=1 shows where it was raised)")

    app.run(friendly_main, flags_parser=_parse)


def _parse(argv: list[str]) -> list[str]:
    try:
        arguments = app.parse_flags_with_usage(argv)
        if "config" in flags.FLAGS:
            getattr(flags.FLAGS.config, "model", None)  # raises what kept the file from being loaded
        return arguments
    except KeyError as error:  # a field that no configuration has
        overrides = [argument for argument in argv if argument.startswith("--config.")]
        sys.exit(f"error: {error.args[0]}: look for a misspelt name in {' '.join(overrides)}")
    except (OSError, ImportError, SyntaxError, AttributeError) as error:  # a configuration file that is none
        sys.exit(f"error: {' '.join(str(error).split())}")
