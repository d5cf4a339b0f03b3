"""Compares the predictions of `launch.scaling` with compiled programs and with steps on devices of this machine.

    python -m launch.benchmarks.scaling --config=launch/configs/lprnet.py [--devices=1,2,4,8] [--processes=2]
        [--batch_size=4] [--repeats=5] [--time]

Compiles the training step for each number of devices, into which XLA divides this machine's CPU, and for several
processes of one device each, joined over loopback; each device has ``--batch_size`` samples. The first table is exact,
whatever else the machine does:

- numbers in float32 that all devices sum, predicted (parameters, and the forward sums of batch normalisations) and
  counted in the program. The program has fewer where a bias before a batch normalisation has no gradient, and more on
  CPUs whose convolutions are tiled (`recog.ops.winograd`): ``--plain`` convolves as accelerators do;
- all-reduces that a step waits for: predicted as a maximum, counted without the last one, which is of gradients alone;
  where branches have gradients of their own, these are counted as well, though nothing waits for them;
- operations of a device's program, relative to those on one device: above 1, devices repeat each other's work;
- MiB of a device's arguments (state, its part of the batch), predicted from shardings and counted, and of temporaries.

``--time`` adds a step's milliseconds: predicted, as those of all devices' work on one device and of the all-reduces
without overlap, over a link whose latency and bandwidth are measured with all-reduces of one number and of the
gradients; and measured. All devices share the same cores, and links are memory: the ratio shows whether a step has
costs that neither the work of one device nor the sums explain. It says nothing of a real network, of sums hidden behind
work, nor of waiting for the slowest machine. Below 1, one device alone left cores idle.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence

from absl import flags

from launch.benchmarks.scaling_process import Measured, define_layout_flags, measure_layouts
from launch.benchmarks.timing import FOREIGN_SHARE, NOT_ALONE, machine
from launch.runs import distributed, entry
from launch.runs.config_file import define_config_flag
from launch.runs.scaling import Network, all_reduce_seconds, efficiency

COUNTED = (
    f"{'devices':>12}{'summed numbers':>24}{'all-reduces':>14}{'operations':>12}{'argument MiB':>18}{'temporary':>11}"
)
TIMED = f"{'devices':>12}{'latency us':>12}{'MB/s':>10}{'step ms':>20}{'ratio':>8}"


def measure(devices: Sequence[int], processes: int, arguments: Sequence[str]) -> list[Measured]:
    """Measures the layouts in processes of their own: numbers of devices in one process, then several processes.

    Args:
      devices: numbers of devices of one process.
      processes: number of processes of one device each; below 2 for none.
      arguments: further flags of this command for them.

    Raises:
      RuntimeError: a process failed; its message is on standard error.
    """
    found = _run([[f"--layouts={','.join(map(str, devices))}"]], max(devices), arguments)
    if processes > 1:
        joined = [f"--coordinator_address=127.0.0.1:{_free_port()}", f"--num_processes={processes}"]
        each = [[f"--layouts={processes}", *joined, f"--process_id={number}"] for number in range(processes)]
        found += _run(each, 1, arguments)
    return found


def _run(commands: Sequence[Sequence[str]], devices: int, arguments: Sequence[str]) -> list[Measured]:
    """Measurements that the first of some processes prints."""
    xla = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "launch.benchmarks.scaling", *arguments, *own],
            env=os.environ | {"XLA_FLAGS": xla.strip(), "JAX_PLATFORMS": "cpu"},
            stdout=subprocess.PIPE if not number else subprocess.DEVNULL,
            text=True,
        )
        for number, own in enumerate(commands)
    ]
    out, _ = started[0].communicate()
    if any(process.wait() for process in started):
        raise RuntimeError(f"a process that measures failed: {' '.join([*arguments, *commands[0]])}")
    # Gloo prints its connections.
    return [Measured(**json.loads(line)) for line in out.splitlines() if line.startswith("{")]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def counted_line(found: Measured, one: Measured) -> str:
    """Line of the first table; ``one`` is the measurement of one device."""
    summed = f"{found.predicted_summed if found.devices > 1 else 0:,} / {found.summed:,}"
    reductions = f"{found.predicted_reductions if found.devices > 1 else 0} / {found.reductions}"
    arguments = f"{found.predicted_arguments / 2**20:.2f} / {found.arguments / 2**20:.2f}"
    return (
        f"{_name(found):>12}{summed:>24}{reductions:>14}{found.flops / one.flops:>12.4f}{arguments:>18}"
        f"{found.temporaries / 2**20:>11.2f}"
    )


def timed_line(found: Measured, one: Measured) -> str:
    """Line of the second table: the link, and a step's time, predicted and measured."""
    network = link(found)
    step = found.step(one.seconds * found.devices)
    predicted = step.seconds / efficiency(step, found.devices, network, overlapped=False)
    shown = (
        f"{1e6 * network.latency:>12.0f}{network.bandwidth / 1e6:>10.0f}"
        if found.devices > 1
        else f"{'-':>12}{'-':>10}"
    )
    steps = f"{1e3 * predicted:.1f} / {1e3 * found.seconds:.1f}"
    mark = "?" if max(found.foreign, one.foreign) > FOREIGN_SHARE else ""
    return f"{_name(found):>12}{shown}{steps:>20}{f'{found.seconds / predicted:.2f}{mark}':>8}"


def link(found: Measured) -> Network:
    """The network in which the measured all-reduces take as long as `all_reduce_seconds` says."""
    if found.devices == 1:
        return Network(float("inf"), 0.0)
    hops = all_reduce_seconds(0, found.devices, Network(1.0, 1.0))
    sent = all_reduce_seconds(found.reduced_bytes, found.devices, Network(1.0, 0.0))
    return Network(sent / max(found.large_seconds - found.small_seconds, 1e-9), found.small_seconds / hops)


def _name(found: Measured) -> str:
    return f"{found.devices} processes" if found.processes > 1 else str(found.devices)


def report(found: Sequence[Measured], *, timed: bool) -> None:
    """Prints the tables, predictions before measurements."""
    one = next(measured for measured in found if measured.devices == 1)
    print("\n".join([COUNTED, *(counted_line(measured, one) for measured in found)]))
    if timed:
        print("\n".join([TIMED, *(timed_line(measured, one) for measured in found)]))
        if any(measured.foreign > FOREIGN_SHARE for measured in found):
            print(NOT_ALONE)
    print(machine(), flush=True)


def main(argv: list[str]) -> None:
    """Prints the tables, or measures as one of the processes."""
    del argv
    values = flags.FLAGS
    if values.layouts:
        distributed.join(values)
        measure_layouts(values)
        return
    devices = sorted({1, *map(int, values.devices)})
    report(measure(devices, values.processes, sys.argv[1:]), timed=values.time)


if __name__ == "__main__":
    flags.DEFINE_list("devices", ["1", "2", "4", "8"], "Numbers of devices of one process.")
    flags.DEFINE_integer("processes", 2, "Number of processes of one device each; 0 measures none.", lower_bound=0)
    define_layout_flags()
    distributed.define_flags()
    define_config_flag("A file under launch/configs/.")
    flags.mark_flag_as_required("config")
    entry.run(main)
