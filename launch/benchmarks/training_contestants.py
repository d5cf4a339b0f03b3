"""Training steps that the benchmark of training compares: ours and PyTorch's, on one batch of noise."""

import functools
from collections.abc import Sequence
from typing import Any

import jax

from launch.benchmarks import rival
from launch.benchmarks.contestant import Contestant, peak_bytes
from launch.benchmarks.rival import BATCH_SIZES, DTYPES, platform
from launch.runs.config import Config
from launch.runs.costs import USUAL_WIDTH, load_config
from launch.runs.settings import array_settings
from launch.runs.states import abstract_state, advance_of, state_of
from recog.batch import Batch
from recog.mesh import by_parameter, make_mesh, put_batch, replicated
from recog.tasks.task import Task
from recog.training.augment import AugmentConfig
from recog.training.step import jit_train_step, zero_totals

STEPS = {"cpu": 1, "gpu": 10}
"""Training steps in a run, by platform; ``gpu`` stands for any accelerator."""


def configure(name: str, batch_size: int = 0, dtype: str = "") -> Config:
    """A configuration of ``launch/configs`` as it is measured; 0 and an empty type take the device's usual ones."""
    return to_measure(load_config(name), batch_size, dtype)


def to_measure(config: Config, batch_size: int = 0, dtype: str = "") -> Config:
    """The configuration, changed in place: without augmentation, with a fixed width; arguments as in `configure`."""
    config.augment = AugmentConfig()
    config.data.batch_size = batch_size or BATCH_SIZES[platform()]
    config.data.width = config.data.width or max(config.data.buckets, default=USUAL_WIDTH)
    config.data.buckets = ()
    config.model.dtype = dtype or DTYPES[platform()]
    return config


class Ours:
    """Our training step on one batch, jitted as `launch.train` jits it.

    Args:
      config: configuration from `configure`.
      task: its task.
      batch: this process's part of the batch.
      devices: devices that share the batch; None for the first one of this process.
    """

    def __init__(self, config: Config, task: Task, batch: Batch, devices: Sequence[Any] | None = None):
        mesh, shapes = make_mesh(config.mesh, devices or jax.local_devices()[:1]), abstract_state(config, task)
        sharding, everywhere = by_parameter(mesh, shapes), replicated(mesh)
        step_of = advance_of(config, task.codec, None)
        (settings,) = array_settings([config])
        self.settings = jax.device_put(settings, everywhere)
        self.batch = put_batch(mesh, batch)
        self.state = jax.jit(functools.partial(state_of, config, task.codec, None), out_shardings=sharding)(settings)
        no_totals = functools.partial(zero_totals, step_of(settings), shapes, self.batch)
        self.totals = jax.jit(no_totals, out_shardings=everywhere)()
        step: Any = jit_train_step(step_of, mesh, sharding)
        self.program = step.lower(self.settings, self.state, self.totals, self.batch).compile()

    def step(self) -> None:
        """Dispatches one update, without waiting for it."""
        self.state, self.totals = self.program(self.settings, self.state, self.totals, self.batch)

    def wait(self) -> None:
        """Waits until the device has finished all steps."""
        jax.block_until_ready((self.state, self.totals))

    def peak_bytes(self) -> int:
        """Peak bytes of live arrays during a step; 0 where XLA does not report them."""
        return peak_bytes(self.program)


def our_contestant(config: Config, task: Task, batch: Batch) -> Contestant:
    """Our training step, after its first run."""
    return _enter(Ours(config, task, batch))


def torch_contestants(config: Config, task: Task, batch: Batch, parameters: int) -> dict[str, Contestant]:
    """PyTorch's training step, eager and compiled in each mode that works.

    Raises:
      ValueError: its network has another number of parameters, so another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_training import Trainer

    def make(mode: str | None) -> Contestant:
        trainer = Trainer(config, task, batch, device, mode)
        rival.require_same_size(trainer.parameters, parameters)
        return _enter(trainer)

    return rival.each_mode(make)


def _enter(trainer) -> Contestant:
    """A contestant after its first run, which compiles, tries algorithms and allocates what is kept between steps."""

    def run() -> None:
        for _ in range(STEPS[platform()]):
            trainer.step()
        trainer.wait()

    run()
    return Contestant(run, trainer.peak_bytes())
