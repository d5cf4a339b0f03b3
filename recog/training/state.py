"""The training state: everything that a step changes and a checkpoint holds."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from recog.tasks.task import Task, Variables


class TrainState(flax.struct.PyTreeNode):
    """A pytree; the step number is part of it, random keys are not (they are folded from it)."""

    step: Int[Array, ""]
    """Batches trained on so far."""
    params: Any
    model_state: Variables
    """The model's other collections, batch statistics for one."""
    optimizer_states: tuple[optax.OptState, ...]
    """One for each of the task's losses."""

    @property
    def variables(self) -> Variables:
        """What the model's ``apply`` takes."""
        return {"params": self.params, **self.model_state}


def create_state(task: Task, optimizer: optax.GradientTransformation, key: jax.Array, batch: Any) -> TrainState:
    """A fresh state for batches of this shape; under `jax.jit`, created where its sharding says."""
    variables = dict(task.init(key, batch))
    params = variables.pop("params")
    states = tuple(optimizer.init(params) for _ in task.losses)
    return TrainState(jnp.zeros((), jnp.int32), params, variables, states)
