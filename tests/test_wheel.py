"""The wheel has the models, the console command and all data of the package, and nothing else at its top."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def names(tmp_path_factory) -> set[str]:
    """Names of the files in a wheel, built from a copy so that nothing is left in the checkout."""
    root = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(name, root)
    shutil.copytree("recog", root / "recog", ignore=shutil.ignore_patterns("__pycache__"))
    build = "from setuptools import build_meta; build_meta.build_wheel('out')"
    subprocess.run([sys.executable, "-c", build], cwd=root, check=True, capture_output=True)
    [wheel] = (root / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        [entry_points] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "recog-read = recog.cli.read:command" in archive.read(entry_points).decode()
        return set(archive.namelist())


def test_it_has_every_file_of_the_package(names):
    files = {path.as_posix() for path in Path("recog").rglob("*") if path.is_file() and "__pycache__" not in path.parts}
    assert files == {name for name in names if name.startswith("recog/")}
    assert "recog/zoo/arithmetic/program.bin" in names


def test_it_installs_no_other_package(names):
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"recog"}
