"""What is imported, and what is not."""

import subprocess
import sys

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in ("recog", "datasets", "launch"):
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            if error.name != "torch":  # benchmarks compare with it where it is at hand
                raise
print(*sorted(m for m in ("tensorflow", "keras") if m in sys.modules))
"""


def test_no_module_imports_tensorflow_and_all_import_together():
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []
