"""Training steps that the benchmark of training compares: ours and PyTorch's, on one batch of noise."""

import jax
import numpy as np

from launch.benchmarks import rival
from launch.benchmarks.contestant import Contestant, peak_bytes
from launch.benchmarks.ctc_problem import Shape, problem
from launch.benchmarks.rival import BATCH_SIZES, DTYPES, MODELS, platform
from launch.runs.assembly import advance
from launch.runs.config import Config
from launch.runs.costs import USUAL_WIDTH, load_config
from launch.runs.data import abstract_state, state_maker
from recog.batch import Batch
from recog.mesh import by_parameter, make_mesh, put_batch, replicated
from recog.tasks.task import Task
from recog.training.augment import AugmentConfig
from recog.training.optimizers import make_optimizer
from recog.training.step import jit_train_step, zero_totals

STEPS = {"cpu": 1, "gpu": 10}
"""Training steps in a run, by platform; ``gpu`` stands for any accelerator."""


def configure(name: str, batch_size: int = 0, dtype: str = "") -> Config:
    """A configuration of ``launch/configs`` as it is measured; 0 and an empty type take the device's usual ones."""
    config = load_config(name)
    config.augment = AugmentConfig()
    config.data.batch_size = batch_size or BATCH_SIZES[platform()]
    config.data.width = config.data.width or USUAL_WIDTH
    config.model.dtype = dtype or DTYPES[platform()]
    return config


def make_batch(config: Config, task: Task, seed: int = 0) -> Batch:
    """Noise, with labels that fill all slots, cut where their repeats need more frames than there are.

    Raises:
      ValueError: the model is not trained by CTC.
    """
    data, rows = config.data, config.data.batch_size
    images = np.random.default_rng(seed).integers(0, 256, (rows, data.height, data.width, data.channels), np.uint8)
    frames, classes, blank = task.frames(data.width), task.alphabet.classes, task.alphabet.blank_id
    if frames is None:
        raise ValueError(f"{type(task.model).__name__} is not trained by CTC: choose among {', '.join(MODELS)}")
    case = problem(Shape(rows, frames, classes, data.max_label_length), seed)
    tokens = case.labels - 1  # its blank is class 0
    return Batch(
        images=images,
        widths=np.full(rows, data.width, np.int32),
        labels=tokens + (tokens >= blank),
        label_lengths=case.label_lengths,
        ids=np.arange(rows, dtype=np.int32),
        mask=np.ones(rows, bool),
    )


class Ours:
    """Our training step on one batch, jitted as `launch.train` jits it, on one device."""

    def __init__(self, config: Config, task: Task, batch: Batch):
        mesh, one_step = make_mesh(config.mesh, jax.local_devices()[:1]), advance(config, task)
        shapes = abstract_state(config, task)
        sharding = by_parameter(mesh, shapes)
        make_state = state_maker(config, task, make_optimizer(config.optimizer, config.train.steps))
        self.batch = put_batch(mesh, batch)
        self.state = jax.jit(make_state, out_shardings=sharding)()
        self.totals = jax.jit(lambda: zero_totals(one_step, shapes, batch), out_shardings=replicated(mesh))()
        step = jit_train_step(one_step, mesh, sharding)
        self.program = step.lower(self.state, self.totals, self.batch).compile()

    def step(self) -> None:
        """Dispatches one update, without waiting for it."""
        self.state, self.totals = self.program(self.state, self.totals, self.batch)

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
      ValueError: its reader has another number of parameters, so another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_training import Trainer

    def make(mode: str | None) -> Contestant:
        trainer = Trainer(config, task.alphabet.classes, task.alphabet.blank_id, batch, device, mode)
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
