"""The benchmark of the server finds right answers to load, to hostile requests and at the end."""

import subprocess
import sys

import pytest

from launch.benchmarks.hostile import attacks
from tests.painted_plates import write_artifacts


@pytest.mark.exhaustive
def test_a_server_withstands_everything(tmp_path):
    detector, reader = write_artifacts(tmp_path)
    command = [sys.executable, "-m", "launch.benchmarks.serve", f"--artifact={reader}", f"--detector={detector}"]
    settings = ["--clients=8", "--seconds=2", f"--hostile={2 * len(attacks())}"]
    done = subprocess.run([*command, *settings], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "; 0 failures" in done.stdout
    assert "hostile requests: 0 wrong answers" in done.stdout
    assert "lost 0, exit status 0" in done.stdout
