"""Training loop: draws batches, steps, and periodically logs, evaluates and saves.

Each step takes one batch, so that the stream of a resumed run starts at its step.
"""

import collections
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from recog.batch import Batch
from recog.training.clock import Clock, Utilization
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.record import Measured
from recog.training.records import Records
from recog.training.state import TrainState
from recog.training.step import Totals


@dataclasses.dataclass
class LoopConfig:
    """Length of training, and logging, evaluation and checkpoint intervals, in steps; 0 does so only at the end."""

    steps: int = 10_000
    log_every: int = 50
    evaluate_every: int = 1_000
    checkpoint_every: int = 1_000


NOTED_WAIT = 0.05
"""Minimum share of time spent waiting for data that the progress bar shows."""
AHEAD = 3
"""Maximum number of unfinished dispatched steps: enough that the device never waits for Python, few enough that a
stop takes effect soon."""


@dataclasses.dataclass
class Loop:
    """Training of one run, or of several that train as one program."""

    config: LoopConfig
    train_step: Callable[[TrainState, Totals, Batch], tuple[TrainState, Totals]]
    """Jitted step that donates state and totals; compiled for each batch shape."""
    zero_totals: Callable[[], Totals]
    stream: Iterator[Batch]
    """Batches on the devices, starting at that of the next step."""
    evaluate: Callable[[TrainState], Sequence[Measured]]
    """Measures each run's state on the validation samples."""
    records: Records
    utilization: Utilization
    profile: Profile

    def run(self, state: TrainState, stop: StopRequest) -> TrainState:
        """Trains from a state to the last step, or until asked to stop; returns the last state, which is saved.

        Raises:
          recog.training.record.NotFiniteError: no run with a finite loss is left; this state is not saved.
        """
        config, step = self.config, int(jnp.max(state.step))  # the same for all runs
        totals, clock, in_flight = self.zero_totals(), Clock(self.utilization), collections.deque()
        with _progress(step, config.steps) as bar, contextlib.closing(self.profile):
            while step < config.steps:
                step += 1
                with self.profile.before(step), jax.transfer_guard("disallow"):
                    batch = clock.wait_for(self.stream, in_flight[-1] if in_flight else None)
                    if clock.count(batch):
                        bar.write(f"step {step}: compiles for {_inputs(batch)}")
                    state, totals = self.train_step(state, totals, batch)
                in_flight.append(jnp.copy(state.step))  # copied because the state is donated to the next step
                if len(in_flight) > AHEAD:
                    in_flight.popleft().block_until_ready()
                bar.update()
                if self.profile.after(step, state):
                    bar.write(f"step {step}: trace for TensorBoard or xprof in {self.profile.folder}")
                last, stops = step == config.steps, stop.reached(step)  # read once: a signal may arrive at any time
                evaluates = last or _due(step, config.evaluate_every)
                saves = last or stops or _due(step, config.checkpoint_every)
                if evaluates or saves or _due(step, config.log_every):
                    # Raises if a loss is not finite, so that no such state is saved.
                    self._log(step, jax.device_get(totals), clock, bar)
                    totals = self.zero_totals()
                if evaluates:
                    state = self.records.validate(step, state, self.evaluate(state), batch, bar.write)
                    clock.restart()
                if saves:
                    self.records.save(step, state)
                if stops:
                    break
        return state

    def _log(self, step: int, totals: Totals, clock: Clock, bar: tqdm) -> None:
        samples = float(np.max(totals.sums["samples"]))  # the same for all runs
        measured = {"train/compilations": clock.shapes, **clock.read(samples)}
        loss = self.records.log(step, totals, measured, bar.write)
        shown = f"loss {loss:.4g}, {measured['train/images_per_second']:.0f} images/s, MFU {measured['train/mfu']:.1%}"
        if (waited := measured["train/input_wait"]) > NOTED_WAIT:
            shown += f", {waited:.0%} of the time waiting for data"
        bar.set_postfix_str(shown, refresh=False)


def _inputs(batch: Batch) -> str:
    shape = batch.images.shape
    return f"pictures padded to {shape[2]} columns" if len(shape) == 4 else f"features of {shape[-1]} numbers"


def _progress(step: int, steps: int) -> tqdm:
    """Progress bar, shown by the first process only, and only if there are steps to train."""
    interval = 0.1 if sys.stderr.isatty() else 30  # seconds; in a log file, each update is a new line
    return tqdm(
        total=steps,
        initial=step,
        unit="step",
        desc="train",
        dynamic_ncols=True,
        mininterval=interval,
        disable=jax.process_index() > 0 or step >= steps,
    )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
