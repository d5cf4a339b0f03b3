"""Commands of the project, run one after the other and shown as a user would type them."""

import shlex
import subprocess
import sys
from collections.abc import Sequence


def run(command: Sequence[str]) -> str:
    """Prints and runs ``python -m launch...``; returns the last line of its output, or ends with its exit status."""
    print(f"\n$ python -m {shlex.join(command)}", flush=True)
    line = ""
    with subprocess.Popen([sys.executable, "-u", "-m", *command], stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
    if process.returncode:
        sys.exit(process.returncode)
    return line
