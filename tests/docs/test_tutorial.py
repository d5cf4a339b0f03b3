"""The commands of the tutorial work as they are written, with fewer pictures and steps."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TUTORIAL = ROOT / "docs" / "tutorial.md"
SMALLER = {
    "receipts:count=2000": "receipts:count=60",
    "receipts:count=500": "receipts:count=8",
    "--config.train.steps=600": "--config.train.steps=4 --config.optimizer.warmup_steps=1",
}
"""Numbers in the commands, and what the test takes in their place."""

END_SERVER = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"
"""Ends the server also where a command fails."""


def commands() -> str:
    """The tutorial's commands as one script."""
    return "".join(re.findall(r"^```bash\n(.*?)^```$", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))


def free_port() -> int:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        return chosen.getsockname()[1]


def install_commands(folder: Path) -> None:
    """Writes the console commands of the project, as pip does."""
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for name, place in scripts.items():
        module, function = place.split(":")
        path = folder / name
        path.write_text(f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n")
        with path.open("a") as file:
            file.write(f"from {module} import {function}\n{function}()\n")
        path.chmod(0o755)


@pytest.mark.exhaustive
@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_its_commands_end_with_a_reading_by_the_server(tmp_path):
    script, port = f"{END_SERVER}\n{commands()}", str(free_port())
    for old, new in (SMALLER | {"runs/tutorial": str(tmp_path / "runs"), "8000": port}).items():
        assert old in script
        script = script.replace(old, new)
    programs = tmp_path / "bin"
    programs.mkdir()
    install_commands(programs)
    environment = os.environ | {"PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"}
    (tmp_path / "commands.sh").write_text(script)
    bash = ["bash", "-euo", "pipefail", tmp_path / "commands.sh"]
    done = subprocess.run(bash, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-5000:]
    lines = done.stdout.splitlines()
    reports = [json.loads(line) for line in lines if line.startswith("{") and '"accuracy"' in line]
    assert [report["count"] for report in reports] == [9, 8, 8]
    readings = [line.split("\t") for line in lines if ".png\t" in line]
    assert [Path(path).name for path, *_ in readings] == [*(f"000{number}.png" for number in range(5)), "0000.png"]
    assert readings[0][1] == readings[-1][1]
    (result,) = json.loads(lines[-1])["results"]
    assert result["text"] == readings[0][1]
    assert (tmp_path / "runs" / "artifact" / "model.onnx").is_file()
