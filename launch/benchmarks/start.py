"""Measures how long ``launch.train`` takes from its start to the end of its first step, cold and warm.

    python -m launch.benchmarks.start [--configs=quickstart,lprnet] [--limit_s=600]

Each configuration trains at full size on 64 small files until its first step is logged: imports, flags, preflight,
tracing, compiling and the step itself. ``cold`` has an empty cache of compiled programs, ``warm`` is the same command
again, as after a restart. ``core`` are seconds of processor time, which other jobs disturb less. Models that a
configuration starts from are left out.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from absl import flags

from launch.benchmarks.start_samples import write_samples
from launch.benchmarks.timing import FOREIGN_SHARE, NOT_ALONE, core_seconds, cores, machine
from launch.runs import entry
from launch.runs.costs import config_names, load_config

LOOKED = 0.02
"""Seconds between looks for the first step."""
OPTIONS = (
    "--config.data.validation=",
    "--config.data.holdout=0.25",
    "--config.data.holdout_by=",
    "--config.data.folds=0",
    "--config.data.unlabelled=",
    "--config.init_from=",
    "--config.train.log_every=1",
)


class Start(NamedTuple):
    """A start of training."""

    seconds: float
    core_seconds: float
    alone: bool
    """Whether no other process disturbed it."""

    def __str__(self) -> str:
        return f"{self.seconds:>8.1f}{self.core_seconds:>8.1f}{' ' if self.alone else '?'}"


def start(config: str, data: str, cache: Path, limit: float) -> Start:
    """Starts training of a configuration and ends it after its first step.

    Args:
      config: configuration file.
      data: specification of its samples.
      cache: folder of compiled programs.
      limit: seconds to wait.

    Raises:
      RuntimeError: the run ended before, or the time is over; with the last lines that it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        log, metrics = Path(folder) / "log", Path(folder) / "run" / "metrics.jsonl"
        command = [sys.executable, "-m", "launch.train", f"--config={config}"]
        command += [f"--workdir={metrics.parent}", f"--config.data.train={data}", *OPTIONS]
        begun, busy = time.monotonic(), core_seconds()
        with log.open("w") as output:
            environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(cache)}
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            while not (metrics.exists() and metrics.stat().st_size):
                if process.poll() is not None or time.monotonic() > begun + limit:
                    last = " / ".join(log.read_text(errors="replace").replace("\r", "\n").split("\n")[-4:])
                    raise RuntimeError(f"{config}: no step after {time.monotonic() - begun:.0f} s: {last}")
                time.sleep(LOOKED)
            seconds, own = time.monotonic() - begun, _core_seconds_of(process.pid)
            foreign = core_seconds() - busy - own
            return Start(seconds, own, foreign <= FOREIGN_SHARE * seconds * cores())
        finally:
            process.kill()
            process.wait()


def _core_seconds_of(process: int) -> float:
    """Seconds of processor time of a process."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")  # user and system


def measure(names: Sequence[str], limit: float) -> bool:
    """Prints a line for each configuration; returns whether no other process disturbed any of them."""
    print(f"{'':<24}{'cold s':>8}{'core':>8} {'warm s':>8}{'core':>8}", flush=True)
    alone = True
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            data = write_samples(load_config(name), Path(folder) / "samples")
            cold, warm = (start(f"launch/configs/{name}.py", data, Path(folder) / "cache", limit) for _ in range(2))
        print(f"{name:<24}{cold}{warm}", flush=True)
        alone = alone and cold.alone and warm.alone
    return alone


def main(argv: list[str]) -> None:
    """Prints the table."""
    del argv
    values = flags.FLAGS
    if not measure(values.configs or config_names(), values.limit_s):
        print(NOT_ALONE)
    print(machine("flax", "optax"))


if __name__ == "__main__":
    flags.DEFINE_list("configs", [], "Files of launch/configs without suffix; all by default.")
    flags.DEFINE_integer("limit_s", 600, "Seconds to wait for a first step.", lower_bound=1)
    entry.run(main)
