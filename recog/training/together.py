"""Several runs of the same shapes as one program: their states stacked, `jax.vmap` over them, the same batches for all.

What they may differ in is what a program can have as an array: seeds, rates.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import Mesh
from jaxtyping import Array

from recog.batch import Batch
from recog.mesh import replicated, traced_on
from recog.training.record import NotFiniteError, Record, Say
from recog.training.state import TrainState
from recog.training.step import Advance, Totals, TrainStep, make_train_step, zero_totals

Values = Mapping[str, Array]
"""What runs differ in, by name; of several runs, arrays with a leading axis of them."""
AdvanceOf = Callable[[Values], Advance]
"""One run's step, of its values."""


def stack(trees: Sequence[Any]) -> Any:
    """One tree of arrays with a leading axis, of several alike."""
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *trees)


@jax.jit
def take(tree: Any, index: Any) -> Any:
    """One of those that were stacked."""
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False), tree)


def jit_steps_together(advance_of: AdvanceOf, values: Values, mesh: Mesh) -> TrainStep:
    """One step of all runs, with states and totals stacked and donated.

    Args:
      advance_of: one run's step.
      values: of all runs.
      mesh: whose devices share each batch and have a copy of every state.
    """

    def steps(states: TrainState, totals: Totals, batch: Batch) -> tuple[TrainState, Totals]:
        def one(mine: Values, state: TrainState, totals: Totals) -> tuple[TrainState, Totals]:
            return make_train_step(advance_of(mine))(state, totals, batch)

        return jax.vmap(one)(values, states, totals)

    return jax.jit(traced_on(mesh, steps), donate_argnums=(0, 1), out_shardings=replicated(mesh))


def zero_totals_together(advance_of: AdvanceOf, values: Values, state: TrainState, batch: Batch) -> Totals:
    """Totals of no step at all, of all runs; state and batch are one run's, abstract."""
    (count,) = {len(array) for array in values.values()}
    totals = zero_totals(advance_of({name: array[0] for name, array in values.items()}), state, batch)
    return jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (count, *leaf.shape)), totals)


@dataclasses.dataclass
class Records:
    """Writes down how several runs go that train together, each into its own `Record`.

    A run whose loss is not finite is left out from then on, and the others go on.
    """

    records: Sequence[Record]
    names: Sequence[str]
    """Of the runs, to show."""
    failures: dict[int, NotFiniteError] = dataclasses.field(default_factory=dict)
    """By the runs' places."""

    @property
    def living(self) -> list[int]:
        """Places of the runs that go on."""
        return [place for place in range(len(self.records)) if place not in self.failures]

    def log(self, step: int, totals: Totals, measured: dict[str, float], say: Say) -> float:
        """Writes a line into each run's metrics; ``train/together`` tells how many share the time.

        Returns:
          Their mean loss.

        Raises:
          NotFiniteError: no run is left.
        """
        measured = measured | {"train/together": len(self.records)}
        losses = []
        for place in self.living:
            try:
                losses.append(self.records[place].log(step, _numpy_take(totals, place), measured, say))
            except NotFiniteError as error:
                self.failures[place] = error
                say(f"{self.names[place]}: {error}")
        if not losses:
            raise NotFiniteError("no run is left: the loss of each became NaN or infinite")
        return sum(losses) / len(losses)

    def validate(
        self, step: int, state: TrainState, metrics: Sequence[dict[str, float]], batch: Batch, say: Say
    ) -> TrainState:
        """Writes what was measured of each run, and keeps each state that is its run's best."""
        for place in self.living:
            name = self.names[place]
            self.records[place].validate(
                step, take(state, place), metrics[place], batch, lambda text, name=name: say(f"{name}: {text}")
            )
        return state

    def save(self, step: int, state: TrainState) -> None:
        """Saves each state as its run's newest checkpoint."""
        for place in self.living:
            self.records[place].save(step, take(state, place))


def _numpy_take(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: leaf[place], tree)
