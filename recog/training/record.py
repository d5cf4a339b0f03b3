"""What a run leaves behind while it trains: metrics, evaluations, checkpoints."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import optax

from recog.batch import Batch
from recog.training.checkpoints import Checkpoints
from recog.training.state import TrainState
from recog.training.step import Totals
from recog.training.writers import MetricWriter

Say = Callable[[str], None]
"""Shows a line to the user."""


class NotFiniteError(FloatingPointError):
    """A loss or gradient became NaN or infinite."""


class NoSamplesError(ValueError):
    """There was nothing to train on."""


class Measured(NamedTuple):
    """What an evaluation on the validation samples came to."""

    rates: dict[str, float]
    ranks_by: str
    """The rate that ranks checkpoints: the higher, the better."""
    hint: str | None = None
    """The likely cause where nothing at all was right."""


class Adapt(Protocol):
    """Changes what of a state no optimizer trains, such as the weight of a loss, by the validation samples."""

    def __call__(self, state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        """The changed state, and what to log; ``batch`` is the one last trained on."""
        ...


@dataclasses.dataclass
class Record:
    """Writes down how a run goes."""

    writer: MetricWriter
    checkpoints: Checkpoints
    learning_rate: optax.Schedule
    describe: Callable[[int], str]
    """Names a sample by its id, for messages."""
    adapt: Adapt | None = None
    """Called once at each evaluation."""

    def log(self, step: int, totals: Totals, measured: dict[str, float], say: Say) -> float:
        """Writes what the steps since the last log line summed up to; returns their mean loss.

        Args:
          step: the last of them.
          totals: as NumPy arrays.
          measured: metrics beside the totals', by the names under which they are logged.
          say: shows a line.

        Raises:
          NotFiniteError: names the step and the samples.
          NoSamplesError: there was nothing to train on.
        """
        if totals.trouble_step >= 0:
            raise NotFiniteError(self._explain(int(totals.trouble_step) + 1, np.asarray(totals.trouble_ids)))
        sums = {name: float(value) for name, value in totals.sums.items()}
        samples, skipped = sums.pop("samples"), sums.pop("skipped")
        if not samples:
            raise NoSamplesError(f"every sample of the last steps before step {step} was skipped: can they be read?")
        metrics = {f"train/{name}": value / samples for name, value in sums.items()}
        metrics["train/learning_rate"] = float(np.asarray(self.learning_rate(step - 1)))
        metrics |= measured
        if skipped:
            metrics["train/skipped_samples"] = skipped
            say(f"step {step}: {skipped:.0f} samples were skipped since the last log line")
        self.writer.write(step, metrics)
        return sum(value for name, value in metrics.items() if name.endswith("_loss"))

    def validate(self, step: int, state: TrainState, measured: Measured, batch: Batch, say: Say) -> TrainState:
        """Writes what was measured, keeps the state if it is the best, and returns it as `Adapt` leaves it.

        Args:
          step: the last one trained.
          state: after it.
          measured: of the state, on the validation samples.
          batch: the one last trained on.
          say: shows a line.
        """
        self.writer.write(step, {f"validation/{name}": value for name, value in measured.rates.items()})
        best = self.checkpoints.save_if_best(state, step, measured.rates, measured.ranks_by)
        state, learnt = self.adapt(state, batch) if self.adapt else (state, {})
        if learnt:
            self.writer.write(step, {f"validation/{name}": value for name, value in learnt.items()})
        if measured.hint:
            say(measured.hint)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in (measured.rates | learnt).items())
        say(f"step {step}: validation {shown}{' (best so far)' if best else ''}")
        return state

    def save(self, step: int, state: TrainState) -> None:
        """Saves the state as the newest checkpoint."""
        self.checkpoints.save(state, step)

    def _explain(self, step: int, ids: np.ndarray) -> str:
        named = [f"  sample {i}: {self.describe(int(i))}" for i in ids if i >= 0]
        culprits = "\n".join(["samples whose loss is not finite:", *named]) if named else "the gradient is not finite"
        return (
            f"training stopped: loss or gradient not finite at step {step}; {culprits}\n"
            "Lower optimizer.learning_rate, set optimizer.clip_norm, or look at these samples."
        )
