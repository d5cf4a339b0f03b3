"""The benchmark of the models runs, and its lines hold what they should; how long things take is not tested."""

import jax
import numpy as np
import pytest

from launch.benchmarks import inference_contestants, models, onnx_models, rival
from launch.benchmarks.contestant import Result
from launch.benchmarks.inference_contestants import Ours
from launch.benchmarks.rival import platform
from launch.benchmarks.timing import Timing, marked
from launch.runs.costs import count, load_config
from launch.runs.utilization import peak_flops
from tests.launch.tiny_models import two_convolutions


def test_a_model_is_measured_in_one_line(monkeypatch):
    """The exported program reads what the live model reads."""
    config = load_config("quickstart")
    config.model = two_convolutions()
    runs = []

    class Kept(Ours):
        def contestants(self, rows):
            field = super().contestants(rows)
            runs.append({name: contestant.run() for name, contestant in field.items()})
            return field

    monkeypatch.setattr(inference_contestants, "Ours", Kept)
    monkeypatch.setattr(models, "BATCH_SIZES", {platform(): 3})
    line, _ = models.line("quickstart", config, seconds=0.0)
    cost = count(config)
    name, size, frames, parameters, macs, unit, *cells = line.split()
    assert (name, size, frames, parameters) == ("quickstart", "32x100x1", "26", f"{cost.parameters:,}")
    assert (float(macs), unit) == (pytest.approx(cost.macs / 1e6, abs=0.06), "M")
    live, exported, torch, ratio = np.reshape(cells[:8], (2, 4)).T
    share, torch_share, memory, torch_memory = cells[8:]
    assert all(float(cell.rstrip("?")) > 0 for cell in (*live, *exported, share))
    assert int(memory) >= cost.parameters * 4 // 2**20, "parameters are alive"
    missing = {*torch, *ratio, torch_share, torch_memory}
    assert missing == {"-"}, "no such reader is written for PyTorch"
    assert max(map(len, (line, *models.header()))) == len(line), "titles stand above their columns"
    assert [len(run["recog"]["tokens"]) for run in runs] == [3, 1]
    for run in runs:
        np.testing.assert_array_equal(run["recog"]["tokens"], run["artifact"]["tokens"])


def test_the_artifact_is_compared_with_its_onnx_program(capsys, monkeypatch):
    config = load_config("quickstart")
    config.model = two_convolutions()
    monkeypatch.setattr(onnx_models, "load_config", lambda name: config)
    monkeypatch.setattr(onnx_models, "BATCH_SIZES", (1, 3))
    onnx_models.report(["quickstart"], seconds=0.0)
    _, titles, line, *_ = capsys.readouterr().out.splitlines()
    assert len(line) == len(titles), "titles stand above their columns"
    name, size, *cells = line.replace("?", "").split()
    assert (name, size) == ("quickstart", "32x100x1")
    for jax_ms, onnx_ms, ratio in np.reshape(cells, (2, 3)):
        assert float(jax_ms) > 0
        assert float(onnx_ms) > 0
        assert ratio.endswith("x")


@pytest.mark.exhaustive
def test_pytorch_takes_part(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(rival, "MODES", {platform(): {}})
    config = load_config("lprnet")
    cost = count(config)
    (results,) = inference_contestants.measure("lprnet", config, cost, sizes=[2], seconds=0.0)
    assert set(results) == {"recog", "artifact", "torch"}
    *_, ratio = models._speeds(results, lambda taken: f"{taken:.3f}")
    assert ratio.rstrip("?").endswith("x")
    assert all(4 * cost.parameters < result.peak_bytes < 2**28 for result in results.values())


def test_utilisation_and_memory_are_of_what_the_ratio_compares():
    timings = {"recog": Timing(0.1, 0.0), "artifact": Timing(0.5, 0.0), "torch": Timing(2.0, 0.5)}
    results = {name: Result(timing, number * 2**20) for number, (name, timing) in enumerate(timings.items(), 1)}
    assert models._speeds(results, str) == ["0.1", "0.5", "2.0?", "4.00x?"]
    assert models._shares(results, flops=10**9, peak=4e9) == ["50.0", "12.5?"]
    assert models._memory(results) == ["2", "3"]
    del results["torch"]
    assert models._shares(results, flops=10**9, peak=4e9) == ["50.0", "-"]
    assert models._memory(results) == ["2", "-"]


def test_many_pictures_in_bfloat16_are_read_at_once_on_a_gpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    asked = []

    def measure(name, config, cost, sizes, seconds):
        asked.append((sizes, config.model.dtype))
        return [{name: Result(Timing(0.5, 0.0), 0) for name in ("recog", "artifact")} for _ in sizes]

    monkeypatch.setattr(models, "measure", measure)
    line, _ = models.line("crnn", models.configure("crnn"), seconds=0.0)
    assert asked == [((256, 1), "bfloat16")]
    images, milliseconds, share = (line.split()[column] for column in (6, 10, 14))
    assert (images, milliseconds) == ("512", "500.0")
    flops = 2 * 256 * count(load_config("crnn")).macs
    assert float(share) == pytest.approx(100 * flops / 0.5 / peak_flops(jax.devices()[0]), abs=0.06)


@pytest.mark.parametrize(("backend", "usual"), [("cpu", "float32"), ("gpu", "bfloat16"), ("tpu", "bfloat16")])
def test_configurations_compute_in_what_is_usual(backend, usual, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: backend)
    assert models.configure("lprnet").model.dtype == usual
    assert models.configure("lprnet", "float32").model.dtype == "float32"


def test_another_architecture_is_no_contestant():
    pytest.importorskip("torch")
    config = load_config("lprnet")
    cost = count(config)._replace(parameters=1)
    with pytest.raises(ValueError, match="446,976 parameters, ours 1"):
        inference_contestants.torch_contestants(config, cost, rows=1)


def test_what_another_job_disturbed_is_marked():
    assert marked("12", Timing(0.1, 0.0)) == "12"
    assert marked("12", Timing(0.1, 0.5)) == "12?"


def test_an_unknown_model_is_named():
    with pytest.raises(ValueError, match=r"--models=lprnt: choose among .*lprnet, "):
        models.check_names(["lprnet", "lprnt"])
