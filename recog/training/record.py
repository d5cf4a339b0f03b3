"""Record of a run during training: metrics, evaluations and checkpoints."""

import dataclasses
import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import optax

from recog.batch import Batch
from recog.training.checkpoints import Checkpoints
from recog.training.state import TrainState
from recog.training.step import Totals
from recog.training.writers import Draw, MetricWriter

Say = Callable[[str], None]
"""Function that shows a line to the user."""


class NotFiniteError(FloatingPointError):
    """A loss or gradient became NaN or infinite."""


class NoSamplesError(ValueError):
    """All samples were skipped, so that nothing was trained."""


class Measured(NamedTuple):
    """Result of an evaluation on the validation samples."""

    rates: dict[str, float]
    """Rates by name."""
    ranks_by: str
    """Name of the rate that ranks checkpoints; higher is better."""
    hint: str | None = None
    """Likely cause of an accuracy of zero."""
    ties_by: str = ""
    """Name of the rate that ranks checkpoints equal in ``ranks_by``, lower is better; empty for none."""
    pictures: Draw | None = None
    """Draws pictures of the evaluation for TensorBoard; None for no pictures."""


class Adapt(Protocol):
    """Updates by validation samples the values that the optimizer does not train, such as loss weights."""

    def __call__(self, state: TrainState, batch: Batch) -> tuple[TrainState, dict[str, float]]:
        """Returns the changed state and values to log; ``batch`` is the last training batch."""
        ...


@dataclasses.dataclass
class Record:
    """Writes metrics and checkpoints of one run."""

    writer: MetricWriter
    checkpoints: Checkpoints
    learning_rate: optax.Schedule
    describe: Callable[[int], str]
    """Returns the origin of a sample by its id, for messages."""
    adapt: Adapt | None = None
    """Function called at each evaluation, or None."""
    draw: Callable[[], None] | None = None
    """Draws the metrics that have been written, or begins to; called at the end of each evaluation. None draws
    nothing."""

    def log(self, step: int, totals: Totals, measured: dict[str, float], say: Say) -> float:
        """Writes the means over the steps since the last log line; returns their total loss.

        Args:
          step: the last of these steps.
          totals: sums over these steps, as NumPy arrays.
          measured: further metrics, by the names under which they are logged.
          say: shows a line.

        Raises:
          NotFiniteError: a loss or gradient was not finite; names the step and the samples.
          NoSamplesError: all samples were skipped.
        """
        if totals.trouble_step >= 0:
            raise NotFiniteError(self._explain(int(totals.trouble_step) + 1, np.asarray(totals.trouble_ids)))
        sums = {name: float(value) for name, value in totals.sums.items()}
        samples, skipped = sums.pop("samples"), sums.pop("skipped")
        if not samples:
            raise NoSamplesError(
                f"all samples of the last steps up to step {step} were skipped: check that they can still be read"
            )
        metrics = {f"train/{name}": value / samples for name, value in sums.items()}
        metrics["train/learning_rate"] = float(np.asarray(self.learning_rate(step - 1)))
        metrics |= measured
        if skipped:
            metrics["train/skipped_samples"] = skipped
            say(f"step {step}: {skipped:.0f} samples were skipped since the last log line")
        self.writer.write(step, metrics)
        return sum(value for name, value in metrics.items() if name.endswith("_loss"))

    def validate(self, step: int, state: TrainState, measured: Measured, batch: Batch, say: Say) -> TrainState:
        """Writes an evaluation, saves the state if it is the best, and returns it after `Adapt`.

        Args:
          step: last trained step.
          state: state after this step.
          measured: its evaluation on the validation samples.
          batch: last training batch.
          say: shows a line.
        """
        self.writer.write(step, {f"validation/{name}": value for name, value in measured.rates.items()})
        best = self.checkpoints.save_if_best(state, step, measured.rates, measured.ranks_by, measured.ties_by)
        state, learnt = self.adapt(state, batch) if self.adapt else (state, {})
        if learnt:
            self.writer.write(step, {f"validation/{name}": value for name, value in learnt.items()})
        if measured.hint:
            say(measured.hint)
        shown = ", ".join(f"{name} {value:.4g}" for name, value in (measured.rates | learnt).items() if "/" not in name)
        say(f"step {step}: validation {shown}{' (best so far)' if best else ''}")
        self._draw(step, measured.pictures, say)
        return state

    def _draw(self, step: int, pictures: Draw | None, say: Say) -> None:
        """Draws pictures and curves; says what failed, as no training should end because of them."""
        show = functools.partial(self.writer.show, step, pictures) if pictures else None
        for name, draw in (("pictures", show), ("curves", self.draw)):
            try:
                if draw:
                    draw()
            except Exception as error:
                say(f"step {step}: {name} could not be drawn ({type(error).__name__}: {error}); training goes on")

    def save(self, step: int, state: TrainState) -> None:
        """Saves the state as the newest checkpoint."""
        self.checkpoints.save(state, step)

    def _explain(self, step: int, ids: np.ndarray) -> str:
        lines = [f"  sample {i}: {self.describe(int(i))}" for i in ids if i >= 0]
        cause = "\n".join(["samples whose loss is not finite:", *lines]) if lines else "the gradient is not finite"
        return (
            f"training stopped: loss or gradient not finite at step {step}; {cause}\n"
            "Lower optimizer.learning_rate, set optimizer.clip_norm, or check these samples."
        )
