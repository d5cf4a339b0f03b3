"""Entry points: libraries' warnings reach those who ask for them, their errors reach all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import logging, warnings
from absl import logging as absl_logging
from launch.runs import entry

def main(argv):
    absl_logging.warning("absl warns")
    logging.getLogger("jax._src.compiler").warning("jax warns")
    warnings.warn("python warns")
    absl_logging.error("absl fails")
    logging.getLogger("jax._src.compiler").error("jax fails")

entry.run(main)
"""
WARNINGS, ERRORS = {"absl warns", "jax warns", "python warns"}, {"absl fails", "jax fails"}


@pytest.mark.parametrize(("flags", "shown"), [([], ERRORS), (["--verbosity=1"], WARNINGS | ERRORS)])
def test_warnings_of_libraries_are_shown_on_request(flags, shown):
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", PROGRAM, *flags]
    errors = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    assert {message for message in WARNINGS | ERRORS if message in errors} == shown


@pytest.mark.parametrize(
    "file",
    [
        file
        for package in ("launch", "recog")
        for file in sorted(Path(package).rglob("*.py"))
        if "DEFINE_" in file.read_text("utf-8")
    ],
    ids=str,
)
def test_help_lists_flags_that_are_defined_elsewhere(file):
    """Absl lists the flags that the command's own module defines, and those of modules that disclaim theirs."""
    text = file.read_text("utf-8")
    assert "__main__" in text or "\nflags.disclaim_key_flags()" in text
