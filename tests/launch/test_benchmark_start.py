"""Training starts on the samples that the benchmark of starts writes, and its first step is noticed."""

from pathlib import Path

import pytest

from datasets.preflight import preflight
from datasets.specs import open_source
from launch.benchmarks import start
from launch.benchmarks.start_samples import COUNT, write_samples
from launch.runs.costs import config_names, load_config
from launch.runs.data import needs_to_measure
from launch.runs.tasks import make_task
from tests.conftest import CACHE
from tests.launch.conftest import CONFIG_FILE, tiny_config


@pytest.mark.parametrize("name", [name for name in config_names() if "finder" not in name or "small" in name])
def test_samples_are_those_that_a_configuration_reads(name, tmp_path):
    config = load_config(name)
    data = write_samples(config, tmp_path / "samples")
    needs = needs_to_measure(config.data, make_task(config).codec)
    assert len(preflight(open_source(data), needs, on_bad_sample="raise").indices) == COUNT


def test_the_first_step_is_noticed(tmp_path):
    file = tmp_path / "config.py"
    file.write_text(CONFIG_FILE.format(folder="unused"))
    data = write_samples(tiny_config("unused"), tmp_path / "samples")
    found = start.start(str(file), data, Path(CACHE["JAX_COMPILATION_CACHE_DIR"]), 120.0)
    assert 0.5 < found.core_seconds < 64 * found.seconds
    with pytest.raises(RuntimeError, match=r"config\.py: no step after 0 s"):
        start.start(str(file), data, tmp_path, 0.0)
