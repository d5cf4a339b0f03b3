"""What is imported, and what is not."""

import os
import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys


def import_all(name):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name != "torch":  # benchmarks compare with it where it is at hand
                raise


def loaded(*names):
    return [name for name in names if name in sys.modules]


import_all("recog")
print("imported by recog, whose wheel lacks them:", loaded("datasets", "launch"))
import_all("datasets")
import_all("launch")
print("imported by any:", loaded("tensorflow", "keras"))
"""


def test_all_modules_import_together_and_without_what_is_unwanted():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["imported by recog, whose wheel lacks them: []", "imported by any: []"]


def test_training_starts_without_what_draws_figures_and_without_torch(tmp_path):
    (tmp_path / "torch.py").write_text("raise RuntimeError('PyTorch is imported')")
    code = (
        "import sys, launch.train; print(*[m for m in ('matplotlib', 'scipy.optimize', 'torch') if m in sys.modules])"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join((str(tmp_path), "."))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", ["recog.serving.server", "recog.serving.described", "recog.cli.serve"])
def test_a_server_of_onnx_programs_starts_without_jax(module):
    code = f"import sys, {module}; print(*[m for m in ('jax', 'flax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
