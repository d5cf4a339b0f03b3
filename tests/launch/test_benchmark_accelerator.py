"""The parts measured on an accelerator: limits of time, results on disk after each, and the commands themselves."""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from launch.benchmarks import accelerator
from launch.benchmarks.determinism import compare
from launch.benchmarks.parts import Part, run_parts, to_markdown


def part(name: str, seconds: float, code: str) -> Part:
    """A part that runs Python code."""
    return Part(name, seconds, ["timeit", "-n1", "-r1", code])


def test_a_part_that_hangs_or_fails_leaves_the_others_their_time(tmp_path):
    holds_output = (
        "import subprocess, time; subprocess.Popen(['sleep', '60']); print('hung', flush=True); time.sleep(60)"
    )
    parts = [
        part("prints", 30, "print('seen')"),
        part("hangs", 1.5, holds_output),
        part("fails", 30, "raise OSError('no such card')"),
        part("last", 30, "print('also seen')"),
    ]
    told, start = [], time.monotonic()
    outcomes = run_parts(parts, 60, tmp_path, told.append)
    assert time.monotonic() - start < 60
    assert told == outcomes
    assert [outcome.status for outcome in outcomes] == ["ok", "timed out", "failed", "ok"]
    assert "seen" in outcomes[0].output
    assert "hung" in outcomes[1].output
    assert "also seen" in outcomes[3].output
    assert "OSError: no such card" in outcomes[2].errors
    assert json.loads((tmp_path / "results.json").read_text()) == [outcome._asdict() for outcome in outcomes]
    assert (tmp_path / "results.md").read_text() == to_markdown(outcomes)
    assert "OSError: no such card" in to_markdown(outcomes)
    assert "| hangs | timed out | " in to_markdown(outcomes)


def test_the_whole_ends_in_time_and_names_what_was_not_started(tmp_path):
    start = time.monotonic()
    parts = [part("first", 600, "import time; time.sleep(60)"), part("second", 600, "print(1)")]
    outcomes = run_parts(parts, 12, tmp_path)
    assert time.monotonic() - start < 40
    assert [outcome.status for outcome in outcomes] == ["timed out", "no time left"]


def test_results_are_on_disk_while_later_parts_run(tmp_path):
    seen = []
    run_parts(
        [part("first", 30, "print(1)"), part("second", 30, "print(2)")],
        60,
        tmp_path,
        lambda outcome: seen.append(len(json.loads((tmp_path / "results.json").read_text()))),
    )
    assert seen == [1, 2]


def test_parts_are_commands_that_exist():
    parts = accelerator.make_parts(Path("out"), 1.0, 0, 16)
    assert len({part.name for part in parts}) == len(parts)
    assert all(importlib.util.find_spec(part.command[0]) for part in parts)


def test_chosen_parts_come_in_the_order_asked_for():
    parts = accelerator.make_parts(Path("out"), 1.0, 0, 16)
    assert [part.name for part in accelerator.choose(parts, ["input", "ctc"])] == ["input", "ctc"]
    assert accelerator.choose(parts, []) == parts
    with pytest.raises(ValueError, match=r"--parts=cct: choose among versions, tests, ctc"):
        accelerator.choose(parts, ["cct", "input"])


def test_equal_runs_are_told_from_others():
    first = {"a": np.array([1, -4], np.float32), "b": np.array([np.nan, 2], np.float32)}
    assert compare(first, {name: array.copy() for name, array in first.items()}) == (2, 2, 0.0)
    assert compare(first, first | {"a": np.array([1, -3], np.float32)}) == (2, 1, 0.25)
    assert compare(first, first | {"b": np.array([1, 2], np.float32)}) == (2, 1, np.inf)


@pytest.mark.exhaustive
def test_parts_run_on_a_cpu(tmp_path):
    command = [sys.executable, "-m", "launch.benchmarks.accelerator", f"--out={tmp_path}", "--minutes=40"]
    chosen = "--parts=versions,ctc,train_lprnet,input,determinism"
    done = subprocess.run([*command, chosen, "--seconds=0", "--batch_size=2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    outputs = {row["name"]: row["output"] for row in json.loads((tmp_path / "results.json").read_text())}
    assert "jax on cpu" in outputs["versions"]
    assert "geometric mean" in outputs["ctc"]
    assert "lprnet: 24x94x3, batch 2, bfloat16" in outputs["train_lprnet"]
    assert "arithmetic" in outputs["input"]
    assert "largest relative difference" in outputs["determinism"]
