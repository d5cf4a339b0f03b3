"""Command lines of training, parsed in this process as the entry points do it."""

import sys
from typing import Any
from unittest import mock

from launch import train
from launch.runs import entry
from launch.runs.config import to_json
from tests.launch.in_process import parsed


def parse(*arguments: str) -> Any:
    """The configuration that ``python -m launch.train`` reads from its arguments, for JSON."""
    with parsed(train, "--config=launch/configs/quickstart.py", "--workdir=x") as values:
        with mock.patch.object(sys, "argv", ["train", "--workdir=x", *arguments]):
            entry._parse(sys.argv)
        return to_json(values.config)
