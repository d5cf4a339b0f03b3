"""Training state, which steps update and checkpoints store."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from recog.tasks.task import Task, Variables


class TrainState(flax.struct.PyTreeNode):
    """Pytree of all values that training updates; random keys are derived from its step."""

    step: Int[Array, ""]
    """Number of batches trained on so far."""
    params: Any
    """Trained parameters."""
    model_state: Variables
    """Other variable collections of the model, such as batch statistics."""
    optimizer_states: tuple[optax.OptState, ...]
    """Optimizer states, one for each of the task's losses."""

    @property
    def variables(self) -> Variables:
        """Variables for the model's ``apply``."""
        return {"params": self.params, **self.model_state}


def create_state(task: Task, optimizer: optax.GradientTransformation, key: jax.Array, batch: Any) -> TrainState:
    """Initial state for batches of this shape; under `jax.jit`, created with its sharding."""
    variables = dict(task.init(key, batch))
    params = variables.pop("params")
    states = tuple(optimizer.init(params) for _ in task.losses)
    return TrainState(jnp.zeros((), jnp.int32), params, variables, states)
