"""What is imported, and what is not."""

import subprocess
import sys

import pytest

IMPORT_ALL = """
import importlib, pkgutil, sys
packages, unwanted = (names.split(",") for names in sys.argv[1:])
for name in packages:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name != "torch":  # benchmarks compare with it where it is at hand
                raise
print(*sorted(m for m in unwanted if m in sys.modules))
"""


@pytest.mark.parametrize(
    ("packages", "unwanted"),
    [
        ("recog,datasets,launch", "tensorflow,keras"),
        ("recog", "datasets,launch"),  # which its wheel lacks
    ],
)
def test_all_modules_import_together_and_without_what_is_unwanted(packages, unwanted):
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL, packages, unwanted], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


@pytest.mark.parametrize("module", ["recog.serving.server", "recog.serving.described", "recog.cli.serve"])
def test_a_server_of_onnx_programs_starts_without_jax(module):
    code = f"import sys, {module}; print(*[m for m in ('jax', 'flax') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
