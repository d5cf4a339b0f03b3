"""From a configuration to the objects of a run: data and state."""

import functools
from typing import NamedTuple

import grain.python as grain
import jax
import numpy as np
import optax

from datasets.mixture import Mixture, split_mixture
from datasets.needs import Needs
from datasets.pipeline import make_stream
from datasets.preflight import Preflight, preflight
from datasets.sources import Keyed, Source, split_holdout
from datasets.specs import open_source
from datasets.synthetic.scenes import Scenes
from launch.runs.config import Config
from recog.batch import Batch
from recog.tasks.task import Task
from recog.training.optimizers import make_optimizer
from recog.training.randomness import stream_key
from recog.training.state import TrainState, create_state


def needs(config: Config, task: Task, *, learn: bool) -> Needs:
    """What the configured model asks of samples; when it is not to learn from them, any label over its alphabet."""
    widest = max(config.data.buckets) if config.data.buckets else None
    frames = task.frames if learn else lambda width: None
    data = config.data
    return Needs(task.alphabet, data.height, widest, data.max_label_length, frames, data.width, data.lower_case)


class Samples(NamedTuple):
    """A source and what its preflight found."""

    source: Source
    checked: Preflight

    def identity(self) -> dict[str, int | str]:
        """What must not change while a run is resumed."""
        return {"count": len(self.checked.indices), "digest": self.checked.digest}

    def describe(self, index: int) -> str:
        """Where a sample comes from."""
        return self.source.origin(index)


def check(source: Source, config: Config, task: Task, name: str, *, learn: bool = True) -> Samples:
    """Runs the preflight over a source and reports what it skips."""
    asked = needs(config, task, learn=learn)
    title = f"check {name}" if jax.process_index() == 0 else None
    checked = preflight(source, asked, on_bad_sample=config.data.on_bad_sample, progress=title)
    if checked.problems:
        print(f"{name}: {checked.summary()}", flush=True)
    return Samples(source, checked)


def open_data(config: Config) -> tuple[Source, Source]:
    """Training and validation sources.

    Raises:
      ValueError: no training data, no way to tell which samples validate, or pictures that are no lines of text.
    """
    data = config.data
    if not data.train:
        raise ValueError("name the training samples: --config.data.train=folder:PATH")
    train = _open_lines(data.train)
    if data.validation:
        return train, _open_lines(data.validation)
    if not data.holdout:
        raise ValueError("name validation samples with data.validation, or hold some of a folder out with data.holdout")
    if isinstance(train, Mixture):
        return split_mixture(train, data.holdout, data.holdout_by)
    if not isinstance(train, Keyed):
        raise ValueError("data.holdout cannot be taken from rendered samples: name others with data.validation")
    return split_holdout(train, data.holdout, data.holdout_by)


def _open_lines(spec: str) -> Source:
    """A source whose pictures show one line of text each."""
    source = open_source(spec)
    if any(isinstance(part, Scenes) for part in (source.sources if isinstance(source, Mixture) else [source])):
        raise ValueError(f"{spec}: scenes show several plates or none, which no reader reads; see launch.prepare")
    return source


def one_pass(samples: Samples, config: Config, task: Task, process: tuple[int, int] = (0, 1)) -> grain.DatasetIterator:
    """All samples once, in order, for evaluation: whole batches, or the part of each that a process loads."""
    stream, _ = make_stream(samples.source, samples.checked, task.alphabet, config.data, seed=None, process=process)
    return iter(stream)


def shape_of_batch(config: Config) -> Batch:
    """An abstract batch: parameters have the same shapes for every width."""
    data, rows = config.data, config.data.batch_size
    array = jax.ShapeDtypeStruct
    return Batch(
        images=array((rows, data.height, data.width or 4 * data.height, data.channels), np.uint8),
        widths=array((rows,), np.int32),
        labels=array((rows, data.max_label_length), np.int32),
        label_lengths=array((rows,), np.int32),
        ids=array((rows,), np.int32),
        mask=array((rows,), bool),
    )


def state_maker(config: Config, task: Task, optimizer: optax.GradientTransformation):
    """A function without arguments that makes the initial state; jit it, or ask for its shapes only."""
    batch = jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), shape_of_batch(config))
    return functools.partial(create_state, task, optimizer, stream_key(config.seed, "init", 0), batch)


def abstract_state(config: Config, task: Task) -> TrainState:
    """Shapes of the state without any array."""
    return jax.eval_shape(state_maker(config, task, make_optimizer(config.optimizer, config.train.steps)))
