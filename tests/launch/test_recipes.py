"""The recipes are what their tools read, and what they start is a command line of ``launch.train``."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

RECIPES = Path("launch/recipes")
SAY_ARGUMENTS = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"


def accepted(arguments: list[str]) -> subprocess.CompletedProcess:
    """Lets ``launch.train`` read its flags, and no more."""
    command = [sys.executable, "-m", "launch.train", *arguments, "--only_check_args"]
    return subprocess.run(command, capture_output=True, text=True)


def after_module(words: list[str]) -> list[str]:
    """What ``launch.train`` is given."""
    assert words[words.index("launch.train") - 1] == "-m"
    return words[words.index("launch.train") + 1 :]


def told(script: str, tool: str, folder: Path) -> list[str]:
    """What a script hands to its tool."""
    (folder / tool).write_text(SAY_ARGUMENTS)
    (folder / tool).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", RECIPES / script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.slow
def test_slurm(tmp_path):
    words = told("slurm.sbatch", "srun", tmp_path)
    done = accepted(after_module(words))
    assert done.returncode == 0, done.stderr
    assert "--distributed=auto" in words


@pytest.mark.slow
def test_tpu_slice(tmp_path):
    *words, command = told("tpu_slice.sh", "gcloud", tmp_path)
    assert words[:6] == ["compute", "tpus", "tpu-vm", "ssh", "my-slice", "--zone=us-central2-b"]
    done = accepted(after_module(shlex.split(command)))
    assert done.returncode == 0, done.stderr
    assert "--worker=all" in words


@pytest.mark.slow
def test_jobset():
    jobset = yaml.safe_load((RECIPES / "jobset.yaml").read_text())
    (hosts,) = jobset["spec"]["replicatedJobs"]
    job = hosts["template"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    arguments = [word.replace("$(PROCESS_ID)", "1") for word in after_module(container["command"])]
    done = accepted(arguments)
    assert done.returncode == 0, done.stderr
    flags = dict(argument.split("=", 1) for argument in arguments)
    assert job["completionMode"] == "Indexed"
    assert int(flags["--num_processes"]) == job["completions"] == job["parallelism"]
    name, port = flags["--coordinator_address"].split(":")
    assert name == f"{jobset['metadata']['name']}-{hosts['name']}-0-0.{jobset['metadata']['name']}"
    assert int(port) == container["ports"][0]["containerPort"]
    assert container["env"][0]["name"] == "PROCESS_ID"
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.slow
def test_what_the_recipes_do_not_say_is_refused():
    done = accepted(["--config=launch/configs/crnn.py", "--workdir=runs/x", "--distributed=perhaps"])
    assert done.returncode != 0
    assert "--distributed" in done.stderr + done.stdout
