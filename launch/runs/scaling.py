"""A model of data-parallel training on many devices with a fixed number of samples a device.

A step's gradients are summed over all devices (an all-reduce); so are the statistics of every batch normalisation,
forward and backward. The part of the gradients' time that cannot hide behind the backward pass, and all of the
statistics' time, is added to the step of a single device. `launch.benchmarks.scaling` compares this with compiled
programs and with steps on the devices that there are.
"""

import math
from typing import Any, NamedTuple

import jax
from flax.traverse_util import flatten_dict

from launch.runs.config import Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.evaluation.cost import count_parameters
from recog.training.freeze import STATISTICS, Freeze

BACKWARD = 2 / 3
"""Share of a step that is the backward pass: twice the operations of the forward pass."""
OTHER_REDUCTIONS = 4
"""Maximum number of all-reduces of a few numbers whatever the model: live pixels and frames, places of labels, samples,
and whether values are finite."""


class Network(NamedTuple):
    """The link between devices."""

    bandwidth: float
    """Bytes per second that a device can send while receiving as many."""
    latency: float
    """Seconds from one device to the next, including the start of the operation."""
    reach: int = 2**30
    """Maximum number of devices."""


NETWORKS = {
    "nvlink": Network(450e9, 5e-6, reach=8),
    "infiniband": Network(50e9, 10e-6),
    "ethernet": Network(1.25e9, 50e-6),
    "tpu_v5e": Network(200e9, 2e-6, reach=256),
    "tpu_v5p": Network(600e9, 2e-6, reach=6144),
}
"""Networks by name, from data sheets: NVLink 4 of an H100 (900 GB/s in both directions together), within a node of 8;
NDR InfiniBand with one 400 Gb/s port per GPU; 10 Gb/s Ethernet; the tori of TPU v5e and v5p, half of their 400 and
1,200 GB/s per chip for each direction, in slices of up to 256 and 6,144. Latencies are of the usual order.
"""


class Step(NamedTuple):
    """One training step on one device."""

    seconds: float
    """Duration."""
    gradient_bytes: int
    """Size of the gradients, four bytes for each parameter (float32)."""
    reductions: int
    """Number of small all-reduces that the step waits for: one in the forward and one in the backward pass for each
    batch normalisation, whose two sums XLA sends together, and `OTHER_REDUCTIONS`."""
    statistics_bytes: int = 0
    """Size of the sums in the forward passes of batch normalisations, float32; those in the backward passes are
    gradients of their parameters."""

    @property
    def summed(self) -> int:
        """Numbers in float32 that are summed over devices."""
        return (self.gradient_bytes + self.statistics_bytes) // 4


def measured_step(config: Config, seconds: float) -> Step:
    """A configuration's step on one device, with its duration from `launch.benchmarks.train` or a training log."""
    state, freeze = abstract_state(config, make_task(config)), Freeze(config.optimizer.freeze)
    still, flat = freeze.still(state.variables), _flat(state.model_state.get(STATISTICS, {}))
    moments = [math.prod(leaf.shape) for path, leaf in flat.items() if path[:-1] not in still]
    batch_norms = len(moments) // 2  # a mean and a variance each
    return Step(
        seconds,
        gradient_bytes=4 * count_parameters({"params": freeze.trained(state.params)}),
        reductions=2 * batch_norms + OTHER_REDUCTIONS,
        statistics_bytes=4 * sum(moments),
    )


def _flat(statistics: Any) -> dict[tuple[str, ...], jax.ShapeDtypeStruct]:
    flat: Any = flatten_dict(statistics)
    return flat


def all_reduce_seconds(size: int, devices: int, network: Network) -> float:
    """Time to sum ``size`` bytes over all devices.

    Every byte but a device's own share travels twice, which is a lower bound for any algorithm that sends in equal
    shares (Patarasuk and Yuan 2009); the latency is that of a tree, there and back.
    """
    hops = 2 * math.ceil(math.log2(devices)) if devices > 1 else 0
    return 2 * (devices - 1) / devices * size / network.bandwidth + hops * network.latency


def efficiency(step: Step, devices: int, network: Network, *, overlapped: bool) -> float:
    """Share (0 to 1) of the devices' time that is spent on the work of a single-device step.

    Args:
      step: measured on one device, with each device's number of samples.
      devices: number of devices.
      network: the slowest link between them.
      overlapped: whether gradients are summed during the backward pass, or after it.
    """
    gradients = all_reduce_seconds(step.gradient_bytes, devices, network)
    hidden = BACKWARD * step.seconds if overlapped else 0.0
    statistics = step.reductions * all_reduce_seconds(0, devices, network)
    return step.seconds / (step.seconds + max(0.0, gradients - hidden) + statistics)


def efficiency_table(step: Step, devices: list[int], networks: dict[str, Network]) -> list[str]:
    """A line of titles, then a line for each network: efficiency with / without overlap within its reach."""
    lines = [f"{'':<12}" + "".join(f"{count:>18,}" for count in devices)]
    for name, network in networks.items():
        cells = []
        for count in devices:
            best, worst = (efficiency(step, count, network, overlapped=overlapped) for overlapped in (True, False))
            cells.append(f"{f'{best:.1%} / {worst:.1%}' if count <= network.reach else '-':>18}")
        lines.append(f"{name:<12}" + "".join(cells))
    return lines
