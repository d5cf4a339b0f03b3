"""The recipes are what their tools read, and what they start is a command line of ``launch.train``."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

RECIPES = Path("launch/recipes")
OPEN_SAMPLES = """
from absl import app, flags
from launch import train
from launch.runs.data import open_data

def main(_):
    config = flags.FLAGS.config
    print([len(source) for source in open_data(config)], config.model.dtype)

train.define_flags()
app.run(main)
"""
SAY_ARGUMENTS = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"


def assert_trains(arguments: list[str], digits: Path) -> None:
    """That they are all that ``launch.train`` needs, if ``digits`` were the samples that they name."""
    arguments = [re.sub("lmdb:.*", f"folder:{digits}", word) for word in arguments]
    done = subprocess.run([sys.executable, "-c", OPEN_SAMPLES, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[24, 24] bfloat16"


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
def test_slurm(tmp_path, digits):
    words = told("slurm.sbatch", "srun", tmp_path)
    assert_trains(after_module(words), digits)
    assert "--distributed=auto" in words


@pytest.mark.slow
def test_tpu_slice(tmp_path, digits):
    *words, command = told("tpu_slice.sh", "gcloud", tmp_path)
    assert words[:6] == ["compute", "tpus", "tpu-vm", "ssh", "my-slice", "--zone=us-central2-b"]
    assert_trains(after_module(shlex.split(command)), digits)
    assert "--worker=all" in words


@pytest.mark.slow
def test_jobset(digits):
    jobset = yaml.safe_load((RECIPES / "jobset.yaml").read_text())
    (hosts,) = jobset["spec"]["replicatedJobs"]
    job = hosts["template"]["spec"]
    pod = job["template"]["spec"]
    (container,) = pod["containers"]
    environment = {variable["name"]: variable for variable in container["env"]}
    variables = {"TRAIN": environment["TRAIN"]["value"], "PROCESSES": str(hosts["replicas"]), "PROCESS": "1"}
    labels = {"PROCESSES": "replicatedjob-replicas", "PROCESS": "job-index"}
    for name, label in labels.items():
        path = environment[name]["valueFrom"]["fieldRef"]["fieldPath"]
        assert path == f"metadata.labels['jobset.sigs.k8s.io/{label}']"
    *shell, command = container["command"]
    assert shell == ["bash", "-c"]
    done = subprocess.run(
        ["bash", "-c", command.replace("exec python", "echo")],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    arguments = after_module(done.stdout.split())
    assert_trains(arguments, digits)
    given = dict(argument.split("=", 1) for argument in arguments)
    assert job["completionMode"] == "Indexed"
    assert job["completions"] == job["parallelism"] == 1, "a process for each replica"
    name, port = given["--coordinator_address"].split(":")
    assert name == f"{jobset['metadata']['name']}-{hosts['name']}-0-0.{jobset['metadata']['name']}"
    assert int(port) == container["ports"][0]["containerPort"]
    assert {mount["name"] for mount in container["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("recipe", RECIPES.iterdir(), ids=lambda path: path.name)
def test_what_reads_the_samples_is_installed(recipe):
    text = recipe.read_text()
    assert "=lmdb:" in text
    assert re.search(r"pip install -e \.\[\w+,lmdb\]", text)


@pytest.mark.slow
def test_what_the_recipes_do_not_say_is_refused():
    arguments = ["--config=launch/configs/crnn.py", "--workdir=runs/x", "--distributed=perhaps", "--only_check_args"]
    done = subprocess.run([sys.executable, "-m", "launch.train", *arguments], capture_output=True, text=True)
    assert done.returncode != 0
    assert "--distributed" in done.stderr + done.stdout
