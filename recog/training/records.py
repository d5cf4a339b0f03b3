"""Writes down how runs go that train as one program."""

import dataclasses
from collections.abc import Sequence

from recog.batch import Batch
from recog.training.record import Measured, NotFiniteError, Record, Say
from recog.training.stack import Stack
from recog.training.state import TrainState
from recog.training.step import Totals


@dataclasses.dataclass
class Records:
    """Writes down how runs go that train as one program, each into its own `Record`.

    A run whose loss is not finite is left out from then on, and the others go on.
    """

    records: Sequence[Record]
    names: Sequence[str]
    """Of the runs, to show."""
    failures: dict[int, NotFiniteError] = dataclasses.field(default_factory=dict)
    """By the runs' places."""

    @property
    def runs(self) -> Stack:
        """How their arrays are held together."""
        return Stack(len(self.records))

    @property
    def living(self) -> list[int]:
        """Places of the runs that go on."""
        return [place for place in range(len(self.records)) if place not in self.failures]

    def log(self, step: int, totals: Totals, measured: dict[str, float], say: Say) -> float:
        """Writes a line into each run's metrics; ``train/together`` tells how many share the time, where several do.

        Returns:
          Their mean loss.

        Raises:
          NotFiniteError: no run is left; the last one's.
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
        """Writes what was measured of each run, and keeps each state that is its run's best.

        Returns:
          The state to go on from; that of a single run may have been adapted.
        """
        for place in self.living:
            own = self.runs.take(state, place)
            own = self.records[place].validate(step, own, measured[place], batch, self._say(place, say))
            if len(self.records) == 1:
                return own
        return state

    def save(self, step: int, state: TrainState) -> None:
        """Saves each state as its run's newest checkpoint."""
        for place in self.living:
            self.records[place].save(step, self.runs.take(state, place))

    def _say(self, place: int, say: Say) -> Say:
        """Shows lines under a run's name, where there are several."""
        return say if len(self.records) == 1 else lambda text: say(f"{self.names[place]}: {text}")
