"""Errors that a user can mend are shown as a sentence, not as a traceback."""

import functools
import sys
from collections.abc import Callable

from absl import flags, logging


def friendly(main: Callable[[list[str]], None]) -> Callable[[list[str]], None]:
    """Wraps an entry point: bad input and bad settings end it with their message and exit status 1.

    ``--verbosity=1`` shows the traceback.
    """

    @functools.wraps(main)
    def run(argv: list[str]) -> None:
        if not flags.FLAGS["verbosity"].present:
            logging.set_verbosity(logging.WARNING)  # the progress bar is enough; libraries log much at INFO
        try:
            main(argv)
        except (ValueError, OSError, FloatingPointError) as error:
            if flags.FLAGS.verbosity > 0:
                raise
            sys.exit(f"error: {error}\n(--verbosity=1 shows where it was raised)")

    return run
