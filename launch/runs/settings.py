"""Settings that enter the compiled step as arrays, so that runs which differ only in them share a program."""

import copy
import json
from collections.abc import Sequence

import numpy as np
from ml_collections.config_flags import config_path

from launch.runs.config import Config, to_json
from recog.training.step import Settings

ALWAYS = {
    "seed": np.int32,
    "optimizer.learning_rate": np.float32,
    "optimizer.warmup_steps": np.int32,
    "train.steps": np.int32,
}
"""Paths and types of the settings that are arrays in every run; models add others (`ModelConfig.array_fields`)."""
LARGEST_SEED = 2**31 - 1
"""Maximum seed, that of its type."""


def array_settings(configs: Sequence[Config]) -> list[dict[str, np.generic]]:
    """Array settings of each run, for runs that share a program.

    A dropout rate that is zero in all runs is left out, because a program without random numbers is faster.

    Raises:
      ValueError: a seed is out of range.
    """
    for config in configs:
        if not 0 <= config.seed <= LARGEST_SEED:
            raise ValueError(f"seed={config.seed}: choose 0 to {LARGEST_SEED}")
    kinds = dict(ALWAYS)
    for path in _model_paths(configs[0]):
        if any(config_path.get_value(path, config) for config in configs):
            kinds[path] = np.float32
    return [{path: kind(config_path.get_value(path, config)) for path, kind in kinds.items()} for config in configs]


def with_settings(config: Config, settings: Settings) -> Config:
    """Copies the configuration with these values, which may be traced arrays."""
    config = copy.deepcopy(config)
    for path, value in settings.items():
        config_path.set_value(path, config, value)
    return config


def stack_key(config: Config) -> str:
    """Key that is equal for configurations whose runs can train as one program on the same batches."""
    plain = copy.deepcopy(config)
    for path in (*ALWAYS, *_model_paths(config)):
        if path != "train.steps":
            config_path.set_value(path, plain, 0)
    return json.dumps(to_json(plain), sort_keys=True)


def _model_paths(config: Config) -> list[str]:
    return [f"model.{name}" for name in config.model.array_fields]
