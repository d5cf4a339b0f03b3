"""The benchmark of the models runs, and its lines hold what they should; how long things take is not tested."""

import numpy as np
import pytest
from absl import flags

from launch.benchmarks import models, rival
from launch.benchmarks.timing import Timing, marked
from launch.cost import count, load_config


def test_a_model_is_measured_in_one_line(monkeypatch):
    monkeypatch.setattr(models, "BATCH", 2)
    line, _ = models.line("quickstart", load_config("quickstart"), seconds=0.0)
    name, size, frames, parameters, macs, unit, *cells = line.split()
    assert (name, size, frames, parameters, macs, unit) == ("quickstart", "32x100x1", "26", "449,457", "42.5", "M")
    live, exported, torch, ratio = np.reshape(cells, (2, 4)).T
    assert all(float(cell.rstrip("?")) > 0 for cell in (*live, *exported))
    assert set(torch) == set(ratio) == {"-"}, "no such reader is written for PyTorch"
    assert max(map(len, (line, *models.header()))) == len(line), "titles stand above their columns"


def test_the_exported_program_reads_as_the_live_model():
    config = load_config("quickstart")
    live, exported = (run() for run in models.readers(config, count(config), rows=3).values())
    np.testing.assert_array_equal(live.tokens, exported["tokens"])


@pytest.mark.slow
def test_pytorch_takes_part(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(models, "BATCH", 2)
    monkeypatch.setattr(rival, "MODES", {"cpu": {}})
    config = load_config("lprnet")
    timings = models.measure("lprnet", config, count(config), rows=2, seconds=0.0)
    assert set(timings) == {"recog", "artifact", "torch"}
    *_, ratio = models._cells(timings, lambda taken: f"{taken:.3f}")
    assert ratio.rstrip("?").endswith("x")


def test_another_architecture_is_no_contestant():
    pytest.importorskip("torch")
    config = load_config("lprnet")
    cost = count(config)._replace(parameters=1)
    with pytest.raises(ValueError, match="446,976 parameters, ours 1"):
        models.torch_readers(config, cost, rows=1)


def test_what_another_job_disturbed_is_marked():
    assert marked("12", Timing(0.1, 0.0)) == "12"
    assert marked("12", Timing(0.1, 0.5)) == "12?"


def test_an_unknown_model_is_named(monkeypatch):
    values = flags.FlagValues()
    flags.DEFINE_list("models", ["lprnet", "lprnt"], "", flag_values=values)
    values(["models"])
    monkeypatch.setattr(models.flags, "FLAGS", values)
    with pytest.raises(ValueError, match=r"--models=lprnt: choose among .*lprnet, "):
        models.main([])
