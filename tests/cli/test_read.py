"""The console command, called as its installed script calls it, in a folder without a checkout."""

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

from datasets.specs import open_source

SCRIPT = """
import sys
from recog.cli.read import command
sys.argv[0] = "/usr/bin/recog-read"
sys.exit(command())
"""


def recog_read(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the script in a folder; the package is found, as if it were installed."""
    environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", SCRIPT, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_a_model_of_the_package_reads_a_picture(tmp_path):
    sample = open_source("arithmetic:count=1,seed=3")[0]
    picture = cv2.cvtColor(np.asarray(sample.image), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(tmp_path / "picture.png"), picture)
    done = recog_read(tmp_path, "--artifact=zoo:arithmetic", "picture.png", "missing.png")
    assert done.stdout.split("\t")[:2] == ["picture.png", sample.label]
    assert "missing.png: No such file" in done.stderr
    assert done.returncode == 1


def test_help_shows_the_flags_of_the_command(tmp_path):
    done = recog_read(tmp_path, "--help")
    assert "recog-read --artifact=ARTIFACT PATH..." in done.stdout
    own = done.stdout.split("/usr/bin/recog-read:\n")[1]
    for flag in ("artifact", "detector", "submission", "decoder", "pattern"):
        assert f"--{flag}:" in own
