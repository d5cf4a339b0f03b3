"""Model FLOP utilisation (MFU): operations of a step relative to the peak of the devices.

As usual, operations are the multiplications and additions of matrix products and convolutions of the model, the
backward pass counts twice the forward pass, and the peak of a device is its maker's figure for dense bfloat16, whatever
types the run computes in. Training in float32 therefore shows a low utilisation where bfloat16 would be faster.
"""

import functools
import time

import jax
import jax.numpy as jnp

from recog.batch import Batch
from recog.evaluation.cost import count_macs
from recog.tasks.task import Task
from recog.training.clock import Utilization
from recog.training.freeze import NONE_FROZEN, Freeze
from recog.training.state import TrainState
from recog.training.step import Gradients

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
"""Peak operations per second of dense matrix products in bfloat16 (float16 on T4 and V100), by prefix of
``device_kind``. From data sheets: SXM models without sparsity for NVIDIA, single chips for TPUs."""
PROBE = 1024
"""Rows and columns of the matrix product with which the peak of other devices is measured."""


def step_flops(task: Task, state: TrainState, batch: Batch, freeze: Freeze = NONE_FROZEN) -> int:
    """Operations of one training step, without augmentation and optimizer.

    With frozen parameters, the products of the gradient that is computed are counted instead of an estimate.

    Args:
      task: task with the losses of the step.
      state: training state; may be abstract.
      batch: batch; may be abstract.
      freeze: selection of the frozen parameters.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    if freeze.pattern:
        return 2 * sum(count_macs(Gradients(loss, freeze), state, batch, key) for loss in task.losses)
    macs = sum(count_macs(loss.function, state.variables, batch, key) for loss in task.losses)
    return 6 * macs  # two operations per multiply-accumulate; forward once and backward twice


def peak_flops(device: jax.Device) -> float:  # pyright: ignore[reportInvalidTypeForm] - its stubs call it a variable
    """Peak operations per second of a device: from its data sheet, or measured with a matrix product."""
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


def utilization(task: Task, state: TrainState, freeze: Freeze = NONE_FROZEN) -> Utilization:
    """Figures from which the training loop computes the utilisation of a run; arguments as in `step_flops`."""
    device = jax.devices()[0]
    # CPU devices of one process share its cores.
    count = jax.process_count() if device.platform == "cpu" else jax.device_count()

    def flops(batch: Batch) -> int:
        shapes = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), batch)
        return step_flops(task, state, shapes, freeze)

    return Utilization(flops, count * peak_flops(device))
