"""Entry points that report errors of users as a message instead of a traceback."""

import logging as standard_logging
import sys
import threading
import warnings
from collections.abc import Callable

from absl import app, flags, logging

from launch.runs.compilation_cache import use_compilation_cache
from launch.runs.config_file import ConfigFileError
from launch.runs.disk import DiskFullError, is_full
from launch.runs.host_memory import keep_host_memory


def run(main: Callable[[list[str]], None], *, arguments: bool = False) -> None:
    """Runs an entry point; invalid flags, settings and input end it with one message and exit status 1.

    Arguments other than flags are an error unless it takes ``arguments``; they may be flags without dashes.
    ``--verbosity=1`` shows the traceback of an error, and the logs and warnings of libraries.
    """

    def friendly_main(argv: list[str]) -> None:
        keep_host_memory()
        use_compilation_cache()
        if not flags.FLAGS["verbosity"].present:
            quieten_libraries()
        if argv[1:] and not arguments:
            sys.exit(f"error: unexpected argument {argv[1]!r}: flags are written --name=value")
        try:
            main(argv)
        except (ValueError, OSError, FloatingPointError) as error:
            if flags.FLAGS.verbosity > 0:
                raise
            full = "a disk is full: " if is_full(error) and not isinstance(error, DiskFullError) else ""
            sys.exit(f"error: {full}{error}\n(--verbosity=1 shows where it was raised)")

    app.run(friendly_main, flags_parser=_parse)


def quieten_libraries() -> None:
    """Hides what libraries log and warn of, which concerns their callers; errors are still shown.

    Not shown are tracebacks of the threads that find a disk full: the error is raised where their work is awaited.
    """
    logging.set_verbosity(logging.ERROR)
    standard_logging.getLogger().setLevel(standard_logging.ERROR)
    standard_logging.getLogger("asyncio").setLevel(standard_logging.CRITICAL)  # repeats errors that are raised
    logging.get_absl_handler().addFilter(lambda record: not (record.exc_info and _is_full(record.exc_info[1])))
    threading.excepthook = _report_thread
    if not sys.warnoptions:  # python -W and PYTHONWARNINGS ask for them
        warnings.simplefilter("ignore")


def _report_thread(ended: threading.ExceptHookArgs) -> None:
    if not _is_full(ended.exc_value):
        threading.__excepthook__(ended)


def _is_full(error: BaseException | None) -> bool:
    return error is not None and is_full(error)


def _parse(argv: list[str]) -> list[str]:
    try:
        return app.parse_flags_with_usage(argv)
    except ConfigFileError as error:
        sys.exit(f"error: {error}")
    except KeyError as error:  # an unknown field of the configuration
        overrides = [argument for argument in argv if argument.startswith("--config.")]
        sys.exit(f"error: {error.args[0]}: check the names in {' '.join(overrides)}")
