"""The training loop: draw a batch, step, and every so often log, evaluate and save.

Each step takes one batch, so that a resumed run's stream starts at its step.
"""

import collections
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Protocol

import jax
import jax.numpy as jnp
import numpy as np
import optax
from tqdm import tqdm

from recog.batch import Batch
from recog.training.checkpoints import Checkpoints
from recog.training.clock import Clock, Utilization
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.state import TrainState
from recog.training.step import Totals, TrainStep
from recog.training.writers import MetricWriter


@dataclasses.dataclass
class LoopConfig:
    """How long to train and how often to look up, in steps (batches); 0 does so at the end alone."""

    steps: int = 10_000
    log_every: int = 50
    evaluate_every: int = 1_000
    checkpoint_every: int = 1_000


NOTED_WAIT = 0.05
"""Share of the time spent waiting for data above which the progress bar tells it."""
AHEAD = 3
"""Steps dispatched before the oldest must have ended: the device never waits for Python, and a stop is heard soon."""


class NotFiniteError(FloatingPointError):
    """A loss or gradient became NaN or infinite."""


class NoSamplesError(ValueError):
    """There was nothing to train on."""


class Adapt(Protocol):
    """Changes what of a state no optimizer trains, such as the weight of a loss, by the validation samples."""

    def __call__(self, state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        """The changed state, and what to log; ``batch`` is the one last trained on."""
        ...


class Evaluate(Protocol):
    """Measures a state on the validation samples."""

    def __call__(self, state: TrainState) -> dict[str, float]:
        """Metrics by name, ``accuracy`` among them."""
        ...


@dataclasses.dataclass
class Loop:
    """Everything a run needs; `run` trains from the state given to the last step, or until it is asked to stop."""

    config: LoopConfig
    train_step: TrainStep
    """Jitted, with state and totals donated; compiled anew for every shape of batches."""
    zero_totals: Callable[[], Totals]
    stream: Iterator[Batch]
    """Batches on the device, from that of the first step to be trained."""
    evaluate: Evaluate
    checkpoints: Checkpoints
    writer: MetricWriter
    learning_rate: optax.Schedule
    describe: Callable[[int], str]
    """Names a sample by its id, for messages."""
    utilization: Utilization
    profile: Profile
    adapt: Adapt | None = None
    """Called once at each evaluation."""

    def run(self, state: TrainState, stop: StopRequest) -> TrainState:
        """Trains; returns the last state, saved as the newest checkpoint.

        Raises:
          NotFiniteError: names the step and the samples; nothing is saved after that step.
        """
        config, step = self.config, int(state.step)
        totals, clock, in_flight = self.zero_totals(), Clock(self.utilization), collections.deque()
        with _progress(step, config.steps) as bar, contextlib.closing(self.profile):
            while step < config.steps:
                step += 1
                with self.profile.before(step), jax.transfer_guard("disallow"):
                    batch = clock.wait_for(self.stream, in_flight[-1] if in_flight else None)
                    if clock.count(batch):
                        bar.write(f"step {step}: compiles for pictures padded to {batch.images.shape[2]} columns")
                    state, totals = self.train_step(state, totals, batch)
                in_flight.append(jnp.copy(state.step))  # a copy, because the state itself is donated to the next step
                if len(in_flight) > AHEAD:
                    in_flight.popleft().block_until_ready()
                bar.update()
                if self.profile.after(step, state):
                    bar.write(f"step {step}: trace for TensorBoard or xprof in {self.profile.folder}")
                last, stops = step == config.steps, stop.reached(step)  # asked once: the signal may come at any time
                evaluates = last or _due(step, config.evaluate_every)
                saves = last or stops or _due(step, config.checkpoint_every)
                if evaluates or saves or _due(step, config.log_every):
                    # This also makes sure that the state is worth keeping.
                    self._log(step, totals, clock, bar)
                    totals = self.zero_totals()
                if evaluates:
                    state = self._evaluate(step, state, batch, clock, bar)
                if saves:
                    self.checkpoints.save(state, step)
                if stops:
                    break
        return state

    def _log(self, step: int, totals: Totals, clock: Clock, bar: tqdm) -> None:
        totals = jax.device_get(totals)
        if totals.trouble_step >= 0:
            raise NotFiniteError(self._explain(int(totals.trouble_step), np.asarray(totals.trouble_ids)))
        sums = {name: float(value) for name, value in totals.sums.items()}
        samples, skipped = sums.pop("samples"), sums.pop("skipped")
        if not samples:
            raise NoSamplesError(f"every sample of the last steps before step {step} was skipped: can they be read?")
        metrics = {f"train/{name}": value / samples for name, value in sums.items()}
        metrics["train/learning_rate"] = float(np.asarray(self.learning_rate(step - 1)))
        metrics["train/compilations"] = clock.shapes
        metrics |= clock.read(samples)
        if skipped:
            metrics["train/skipped_samples"] = skipped
            bar.write(f"step {step}: {skipped:.0f} samples were skipped since the last log line")
        self.writer.write(step, metrics)
        losses = sum(value for name, value in metrics.items() if name.endswith("_loss"))
        shown = f"loss {losses:.4g}, {metrics['train/images_per_second']:.0f} images/s, MFU {metrics['train/mfu']:.1%}"
        if (waited := metrics["train/input_wait"]) > NOTED_WAIT:
            shown += f", {waited:.0%} of the time waiting for data"
        bar.set_postfix_str(shown, refresh=False)

    def _evaluate(self, step: int, state: TrainState, batch: Batch, clock: Clock, bar: tqdm) -> TrainState:
        metrics = self.evaluate(state)
        self.writer.write(step, {f"validation/{name}": value for name, value in metrics.items()})
        best = self.checkpoints.save_if_best(state, step, metrics)
        state, learnt = self.adapt(state, batch) if self.adapt else (state, {})
        if learnt:
            self.writer.write(step, {f"validation/{name}": value for name, value in learnt.items()})
        shown = ", ".join(f"{name} {value:.4g}" for name, value in (metrics | learnt).items())
        bar.write(f"step {step}: validation {shown}{' (best so far)' if best else ''}")
        clock.restart()
        return state

    def _explain(self, step: int, ids: np.ndarray) -> str:
        named = [f"  sample {i}: {self.describe(int(i))}" for i in ids if i >= 0]
        culprits = "\n".join(["samples whose loss is not finite:", *named]) if named else "the gradient is not finite"
        return (
            f"training stopped: loss or gradient not finite at step {step}; {culprits}\n"
            "Lower optimizer.learning_rate, set optimizer.clip_norm, or look at these samples."
        )


def _progress(step: int, steps: int) -> tqdm:
    """The progress bar; of several processes the first shows it."""
    often = 0.1 if sys.stderr.isatty() else 30  # seconds; each redrawing is another line of a log file
    quiet = jax.process_index() > 0
    return tqdm(
        total=steps,
        initial=step,
        unit="step",
        desc="train",
        dynamic_ncols=True,
        mininterval=often,
        disable=quiet,
    )


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0
