"""Prints the devices that JAX computes on, the driver's account of NVIDIA cards, and versions.

python -m launch.benchmarks.versions
"""

import shutil
import subprocess

import jax

from launch.benchmarks.timing import machine
from launch.runs import entry

QUERY = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total,clocks.max.sm", "--format=csv,noheader"]


def main(argv: list[str]) -> None:
    """Prints a line for each card, then the machine."""
    del argv
    if shutil.which(QUERY[0]):
        print(subprocess.run(QUERY, capture_output=True, text=True, timeout=20, check=False).stdout, end="")
    print(", ".join(str(device) for device in jax.devices()))
    print(machine("jaxlib", "flax", "optax", "torch", "numpy"))


if __name__ == "__main__":
    entry.run(main)
