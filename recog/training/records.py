"""Records of runs that train as one program."""

import dataclasses
from collections.abc import Sequence

from recog.batch import Batch
from recog.training.record import Measured, NotFiniteError, Record, Say
from recog.training.stack import Stack
from recog.training.state import TrainState
from recog.training.step import Totals


@dataclasses.dataclass
class Records:
    """Records of runs that train as one program.

    A run whose loss becomes NaN or infinite is no longer recorded; the others continue.
    """

    records: Sequence[Record]
    names: Sequence[str]
    """Names of the runs, for messages."""
    failures: dict[int, NotFiniteError] = dataclasses.field(default_factory=dict)
    """Errors of failed runs, by their index."""

    @property
    def runs(self) -> Stack:
        """Layout of the runs' arrays."""
        return Stack(len(self.records))

    @property
    def living(self) -> list[int]:
        """Indices of the runs that have not failed."""
        return [place for place in range(len(self.records)) if place not in self.failures]

    def log(self, step: int, totals: Totals, measured: dict[str, float], say: Say) -> float:
        """Writes a line of metrics for each run; ``train/together`` is the number of runs, if there are several.

        Returns:
          Mean of their losses.

        Raises:
          NotFiniteError: all runs have failed; the error of the last one.
        """
        if len(self.records) > 1:
            measured = measured | {"train/together": len(self.records)}
        losses = []
        for place in self.living:
            try:
                losses.append(
                    self.records[place].log(step, self.runs.take(totals, place), measured, self._say(place, say))
                )
            except NotFiniteError as error:
                self.failures[place] = error
                if not self.living:
                    raise
                self._say(place, say)(str(error))
        return sum(losses) / len(losses)

    def validate(
        self, step: int, state: TrainState, measured: Sequence[Measured], batch: Batch, say: Say
    ) -> TrainState:
        """Writes each run's evaluation, and saves each state that is its run's best.

        Returns:
          The state to continue from; that of a single run may have been adapted.
        """
        for place in self.living:
            own = self.runs.take(state, place)
            own = self.records[place].validate(step, own, measured[place], batch, self._say(place, say))
            if len(self.records) == 1:
                return own
        return state

    def save(self, step: int, state: TrainState) -> None:
        """Saves each run's state as its newest checkpoint."""
        for place in self.living:
            self.records[place].save(step, self.runs.take(state, place))

    def _say(self, place: int, say: Say) -> Say:
        """Prefixes lines with the run's name if there are several runs."""
        return say if len(self.records) == 1 else lambda text: say(f"{self.names[place]}: {text}")
