"""Model FLOP utilisation (MFU): how many operations a step asks for, and how many the devices could do meanwhile.

As usual, an operation is a multiplication or an addition of a matrix product or convolution of the model, the backward
pass counts twice the forward pass, and the most that a device could do is its maker's figure for dense bfloat16,
whatever types the run computes in. So training in float32 shows a low utilisation where bfloat16 would be faster.
"""

import functools
import time

import jax
import jax.numpy as jnp

from recog.batch import Batch
from recog.evaluation.cost import count_macs
from recog.tasks.task import Task
from recog.training.clock import Utilization
from recog.training.state import TrainState

PEAKS = {
    "Tesla T4": 65e12,
    "Tesla V100": 125e12,
    "NVIDIA A10": 125e12,
    "NVIDIA A100": 312e12,
    "NVIDIA L4": 121e12,
    "NVIDIA L40": 181e12,
    "NVIDIA L40S": 362e12,
    "NVIDIA H100": 989e12,
    "NVIDIA H200": 989e12,
    "NVIDIA B200": 2250e12,
    "TPU v4": 275e12,
    "TPU v5 lite": 197e12,
    "TPU v5": 459e12,
    "TPU v6 lite": 918e12,
}
"""Operations a second of dense matrix products, in bfloat16 (float16 on T4 and V100), by what ``device_kind`` begins
with. From the makers' data sheets: of NVIDIA's SXM models, without sparsity; of TPUs by chip."""
PROBE = 1024
"""Rows and columns of the product by which other devices are measured."""


def step_flops(task: Task, state: TrainState, batch: Batch) -> int:
    """Operations of one training step, augmentation and optimizer left out.

    Args:
      task: whose losses are walked.
      state: of arrays, or abstract.
      batch: the same.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    macs = sum(count_macs(loss.function, state.variables, batch, key) for loss in task.losses)
    return 6 * macs  # two operations each, once forward and twice backward


def peak_flops(device: jax.Device) -> float:  # pyright: ignore[reportInvalidTypeForm] - its stubs call it a variable
    """Operations a second that a device could do: by its data sheet, or as measured with a matrix product."""
    known = [name for name in PEAKS if device.device_kind.startswith(name)]
    return PEAKS[max(known, key=len)] if known else _measured()


@functools.cache
def _measured() -> float:
    square = jnp.ones((PROBE, PROBE), jnp.float32)
    product = jax.jit(jnp.matmul).lower(square, square).compile()
    jax.block_until_ready(product(square, square))
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        jax.block_until_ready(product(square, square))
        seconds.append(time.perf_counter() - start)
    return 2 * PROBE**3 / min(seconds)


def utilization(task: Task, state: TrainState) -> Utilization:
    """What the training loop needs to tell a run's utilisation."""
    device = jax.devices()[0]
    # The devices that a test forces upon a CPU have its cores together.
    count = jax.process_count() if device.platform == "cpu" else jax.device_count()

    def flops(batch: Batch) -> int:
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)
        return step_flops(task, state, shapes)

    return Utilization(flops, count * peak_flops(device))
