"""The command line of training, parsed in this process as entry points do it."""

import sys
from typing import Any
from unittest import mock

from absl import flags

from launch import train
from launch.runs import entry
from launch.runs.config import to_json


def parse(*arguments: str) -> Any:
    """The configuration that ``python -m launch.train`` reads from its arguments, for JSON.

    Raises:
      SystemExit: holds what is said of a mistake.
    """
    values, before = flags.FLAGS, set(flags.FLAGS)
    sys.modules.pop("config_config", None)  # the file of the configuration that was parsed before
    with mock.patch.object(sys, "argv", ["train", "--workdir=x", *arguments]):
        try:
            train.define_flags()
            entry._parse(sys.argv)
            return to_json(values.config)
        finally:
            values.remove_flag_values([name for name in values if name not in before])
            values.unparse_flags()
            values(["test"])
