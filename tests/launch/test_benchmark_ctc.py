"""The CTC benchmark runs, and what it says fits together; how long things take is not tested."""

import importlib.util

import jax
import numpy as np
import pytest

from launch.benchmarks import ctc
from launch.benchmarks.ctc_losses import jax_losses, make_contestants
from launch.benchmarks.ctc_problem import SHAPES, Shape, problem
from launch.benchmarks.ctc_table import LossResult, geometric_mean
from launch.benchmarks.timing import Timing
from recog.ctc import kernel
from tests.conftest import nvidia_device

TINY = Shape(2, 5, 4, 2)


@pytest.mark.parametrize("by_kernel", [False, True])
def test_reports_every_contestant(by_kernel, monkeypatch, capsys):
    monkeypatch.setattr(kernel, "available", lambda: by_kernel)
    table = ctc.report([TINY], seconds=0.0, rounds=1)
    names = ["recog", "scan", "optax"] if by_kernel else ["recog", "optax"]
    assert list(table[TINY]) == names + ["torch"] * bool(importlib.util.find_spec("torch"))
    for result in table[TINY].values():
        assert result.timing.seconds > 0
        assert result.gradient_error < 1e-5
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("2x5x4x2")
    assert lines[3].startswith("geometric mean")
    assert len(lines[0]) == len(lines[1]) == len(lines[2])
    assert lines[1].split()[7:] == [*names, "torch", *names[1:], "torch", *names, *names, "torch"]
    assert any("jax" in line for line in lines[4:])


def test_on_a_gpu_ours_is_the_kernel_and_scan_is_not(monkeypatch):
    monkeypatch.setattr(kernel, "available", lambda: True)
    case = problem(TINY)

    def kernels(loss) -> int:
        program = jax.jit(jax.value_and_grad(lambda *a: loss(*a).mean()))
        with jax.sharding.use_abstract_mesh(nvidia_device()):
            text = program.trace(*case).lower(lowering_platforms=("cuda",)).as_text()
        return text.count("custom_call @__gpu$xla.gpu.triton")

    assert {name: kernels(loss) for name, loss in jax_losses().items()} == {"recog": 2, "scan": 0, "optax": 0}


def test_labels_too_long_for_the_kernel_are_not_measured_twice(monkeypatch):
    monkeypatch.setattr(kernel, "available", lambda: True)
    monkeypatch.setattr(kernel, "LONGEST", TINY.L - 1)
    assert [contestant.name for contestant in make_contestants(problem(TINY))][:2] == ["recog", "optax"]


def test_marks_what_another_job_disturbed():
    ours = LossResult(Timing(0.001, 0.01), None, 0.0)
    disturbed = {"recog": ours, "torch": LossResult(Timing(0.007, 0.5), None, 0.0)}
    quiet = {"recog": ours, "torch": LossResult(Timing(0.007, 0.0), None, 0.0)}
    assert str(geometric_mean({TINY: quiet}, "torch")) == "7.00x"
    assert str(geometric_mean({TINY: quiet, SHAPES[0]: disturbed}, "torch")) == "7.00x?"
    assert geometric_mean({TINY: quiet}, "optax") is None


@pytest.mark.parametrize("shape", [*SHAPES, Shape(64, 6, 3, 5)], ids=str)
def test_every_label_fits_and_no_shorter_than_it_must(shape):
    small = shape._replace(B=min(shape.B, 64), K=min(shape.K, 100))
    case = problem(small)
    assert case.logits.shape == small[:3]
    for label, size in zip(case.labels, case.label_lengths, strict=True):
        frames = [n + int(np.sum(label[1:n] == label[: max(n - 1, 0)])) for n in range(shape.L + 1)]
        assert frames[size] <= shape.T
        assert size == shape.L or frames[size + 1] > shape.T


def test_a_misspelt_shape_is_named():
    assert ctc.parse_shape("64x26x37x25") == Shape(64, 26, 37, 25)
    for text in ("64x26x37", "64x26x37xL", "0x1x2x3"):
        with pytest.raises(ctc.app.UsageError, match=text):
            ctc.parse_shape(text)
