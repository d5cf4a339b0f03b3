"""The benchmark of the models runs, and its lines hold what they should; how long things take is not tested."""

import pytest
from absl import flags

from launch.benchmarks import models
from launch.benchmarks.timing import Timing
from launch.cost import load_config


def test_a_model_is_measured_in_one_line(monkeypatch):
    monkeypatch.setattr(models, "BATCH", 2)
    line, _ = models.line("quickstart", load_config("quickstart"), seconds=0.0)
    name, size, frames, parameters, macs, unit, rate, wait = line.split()
    assert (name, size, frames, parameters, macs, unit) == ("quickstart", "32x100x1", "26", "449,457", "42.5", "M")
    assert float(rate.rstrip("?")) > 0
    assert float(wait.rstrip("?")) > 0


def test_what_another_job_disturbed_is_marked():
    assert models._marked("12", Timing(0.1, 0.0)) == "12"
    assert models._marked("12", Timing(0.1, 0.5)) == "12?"


def test_an_unknown_model_is_named(monkeypatch):
    values = flags.FlagValues()
    flags.DEFINE_list("models", ["lprnet", "lprnt"], "", flag_values=values)
    values(["models"])
    monkeypatch.setattr(models.flags, "FLAGS", values)
    with pytest.raises(ValueError, match=r"--models=lprnt: choose among .*lprnet, "):
        models.main([])
