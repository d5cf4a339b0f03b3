"""Entry points that report errors of users as a message instead of a traceback."""

import logging as standard_logging
import sys
import threading
import warnings
from collections.abc import Callable

from absl import app, flags, logging

from recog.cli.compilation_cache import use_compilation_cache
from recog.cli.disk import DiskFullError, is_full
from recog.cli.host_memory import keep_host_memory


def run(
    main: Callable[[list[str]], None],
    *,
    arguments: bool = False,
    parse: Callable[[list[str]], list[str]] = app.parse_flags_with_usage,
) -> None:
    """Runs an entry point; invalid flags, settings and input end it with one message and exit status 1.

    ``--verbosity=1`` shows the traceback of an error, and the logs and warnings of libraries.

    Args:
      main: called with the name of the program and the arguments that are not flags.
      arguments: whether there may be such arguments; they may be flags without dashes.
      parse: parses the flags and returns the other arguments.
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

    app.run(friendly_main, flags_parser=parse)


def run_installed(main: Callable[[list[str]], None], module: str, *, arguments: bool = False) -> None:
    """Runs an installed console command, whose ``--help`` shows the documentation and the flags of its module.

    Args:
      main: see `run`.
      module: name of the module that has defined the flags.
      arguments: see `run`.
    """
    for flag in flags.FLAGS.flags_by_module_dict().get(module, ()):
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # absl looks for them under the program's name
    sys.modules["__main__"].__doc__ = sys.modules[module].__doc__
    run(main, arguments=arguments)


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
