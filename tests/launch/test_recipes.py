"""The recipes of training are what their tools read, and what they start is a command line of ``launch.train``."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from launch import train
from launch.runs.data import open_data
from tests.launch.in_process import parsed

RECIPES = Path("launch/recipes")
SAY_ARGUMENTS = "#!/bin/sh\nprintf '%s\\n' \"$@\"\n"


def assert_trains(arguments: list[str], digits: Path) -> None:
    """Asserts that they are all that ``launch.train`` needs, with ``digits`` in place of the samples that they name."""
    arguments = [re.sub("lmdb:.*", f"folder:{digits}", word) for word in arguments]
    with parsed(train, *arguments) as values:
        assert [len(source) for source in open_data(values.config)] == [24, 24]
        assert values.config.model.dtype == "bfloat16"


def after_module(words: list[str]) -> list[str]:
    """Arguments of ``launch.train``."""
    assert words[words.index("launch.train") - 1] == "-m"
    return words[words.index("launch.train") + 1 :]


def told(script: str, tool: str, folder: Path) -> list[str]:
    """Arguments that a script gives to its tool."""
    (folder / tool).write_text(SAY_ARGUMENTS)
    (folder / tool).chmod(0o755)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", RECIPES / script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_slurm(tmp_path, digits):
    words = told("slurm.sbatch", "srun", tmp_path)
    assert_trains(after_module(words), digits)
    assert "--distributed=auto" in words


def test_tpu_slice(tmp_path, digits):
    *words, command = told("tpu_slice.sh", "gcloud", tmp_path)
    assert words[:6] == ["compute", "tpus", "tpu-vm", "ssh", "my-slice", "--zone=us-central2-b"]
    assert_trains(after_module(shlex.split(command)), digits)
    assert "--worker=all" in words


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


@pytest.mark.parametrize("recipe", ["jobset.yaml", "slurm.sbatch", "tpu_slice.sh"])
def test_what_reads_the_samples_is_installed(recipe):
    text = (RECIPES / recipe).read_text()
    assert "=lmdb:" in text
    assert re.search(r"pip install -e \.\[\w+,lmdb\]", text)


def test_another_way_to_join_processes_is_refused(capsys):
    arguments = ["--config=launch/configs/crnn.py", "--workdir=runs/x", "--distributed=perhaps"]
    with pytest.raises(SystemExit), parsed(train, *arguments):
        pytest.fail("the flags were accepted")
    assert "--distributed" in capsys.readouterr().err
