"""How efficient a run on many devices would be.

    python -m launch.scaling --config=launch/configs/crnn.py --step_ms=MS

Predicts data-parallel training with a fixed number of samples a device. A step's gradients are summed over all devices
(an all-reduce); so are the statistics of every batch normalisation, forward and backward. What of the first cannot hide
behind the backward pass, and all of the second, is added to the step of a single device.
"""

import math
from typing import NamedTuple

import jax
from absl import flags
from ml_collections import config_flags

from launch.runs import entry
from launch.runs.config import Config
from launch.runs.data import abstract_state
from launch.runs.tasks import make_task
from recog.evaluation.cost import count_parameters

BACKWARD = 2 / 3
"""Share of a step that is the backward pass: twice the operations of the forward pass."""


class Network(NamedTuple):
    """What joins the devices."""

    bandwidth: float
    """Bytes a second that a device sends while it receives as many."""
    latency: float
    """Seconds from one device to the next, start of the operation included."""
    reach: int = 2**30
    """Devices that it joins at most."""


NETWORKS = {
    "nvlink": Network(450e9, 5e-6, reach=8),
    "infiniband": Network(50e9, 10e-6),
    "ethernet": Network(1.25e9, 50e-6),
    "tpu_v5e": Network(200e9, 2e-6, reach=256),
    "tpu_v5p": Network(600e9, 2e-6, reach=6144),
}
"""By data sheet: NVLink 4 of an H100 (900 GB/s both ways together), within a node of 8; NDR InfiniBand with one 400
Gb/s port a GPU; 10 Gb/s Ethernet; the tori of TPU v5e and v5p, half of their 400 and 1,200 GB/s a chip for each
direction, in slices of up to 256 and 6,144. Latencies are of the usual order.
"""


class Step(NamedTuple):
    """One training step on one device."""

    seconds: float
    gradient_bytes: int
    """Four for each parameter: gradients are float32."""
    reductions: int
    """Small all-reduces that the step waits for: two for each batch normalisation, forward and backward."""


def measured_step(config: Config, seconds: float) -> Step:
    """A configuration's step that takes so long on one device, as `launch.benchmarks.train` or a training log tells."""
    state = abstract_state(config, make_task(config))
    statistics = jax.tree.leaves(state.model_state.get("batch_stats", {}))
    batch_norms = len(statistics) // 2  # a mean and a variance each
    return Step(seconds, 4 * count_parameters(state.variables), 4 * batch_norms)


def all_reduce_seconds(size: int, devices: int, network: Network) -> float:
    """Time to sum ``size`` bytes over all devices: every byte but a device's own share travels twice, and the way there
    and back is a tree's.

    A lower bound for any algorithm that sends in equal shares (Patarasuk and Yuan 2009), with a tree's latency.
    """
    hops = 2 * math.ceil(math.log2(devices)) if devices > 1 else 0
    return 2 * (devices - 1) / devices * size / network.bandwidth + hops * network.latency


def efficiency(step: Step, devices: int, network: Network, *, overlapped: bool) -> float:
    """Share of the devices' time spent on what one device alone would do, 0 to 1.

    Args:
      step: as measured on one device, with the samples that each is to have.
      devices: how many.
      network: the slowest that joins them.
      overlapped: whether gradients are summed while the backward pass goes on, or after it.
    """
    gradients = all_reduce_seconds(step.gradient_bytes, devices, network)
    hidden = BACKWARD * step.seconds if overlapped else 0.0
    statistics = step.reductions * all_reduce_seconds(0, devices, network)
    return step.seconds / (step.seconds + max(0.0, gradients - hidden) + statistics)


def table(step: Step, devices: list[int], networks: dict[str, Network]) -> list[str]:
    """One line for each network, after a line of titles: efficiency overlapped / not overlapped, where it reaches."""
    lines = [f"{'':<12}" + "".join(f"{count:>18,}" for count in devices)]
    for name, network in networks.items():
        cells = []
        for count in devices:
            best, worst = (efficiency(step, count, network, overlapped=how) for how in (True, False))
            cells.append(f"{f'{best:.1%} / {worst:.1%}' if count <= network.reach else '-':>18}")
        lines.append(f"{name:<12}" + "".join(cells))
    return lines


def main(argv: list[str]) -> None:
    """Reads the flags and prints the table."""
    del argv
    values = flags.FLAGS
    step = measured_step(values.config, values.step_ms / 1e3)
    volume = step.gradient_bytes / 2**20
    print(
        f"{step.gradient_bytes // 4:,} parameters: each device sends and receives about {2 * volume:.1f} MiB a step "
        f"and waits {step.reductions} times for statistics; efficiency with / without overlap"
    )
    print("\n".join(table(step, sorted(int(count) for count in values.devices), NETWORKS)))


if __name__ == "__main__":
    flags.DEFINE_float("step_ms", None, "Milliseconds of a training step on one device.", lower_bound=1e-6)
    flags.DEFINE_list("devices", ["8", "64", "512"], "How many.")
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/.")
    flags.mark_flags_as_required(["step_ms", "config"])
    entry.run(main)
