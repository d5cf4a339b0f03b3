"""Training state, which steps update and checkpoints store."""

from typing import Any

import flax.struct
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from recog.tasks.task import Task, Variables
from recog.training.freeze import NONE_FROZEN, Freeze, merged


class TrainState(flax.struct.PyTreeNode):
    """Pytree of all values that training updates; random keys are derived from its step."""

    step: Int[Array, ""]
    """Number of batches trained on so far."""
    params: Any
    """Parameters of the model, frozen ones included."""
    model_state: Variables
    """Other variable collections of the model, such as batch statistics."""
    optimizer_states: tuple[optax.OptState, ...]
    """Optimizer states, one for each of the task's losses."""
    average: Any = None
    """Exponential moving average of the parameters that are not frozen; None if none is kept."""

    @property
    def variables(self) -> Variables:
        """Variables that are trained, for the model's ``apply``."""
        return {"params": self.params, **self.model_state}

    @property
    def averaged(self) -> Variables:
        """Variables to evaluate, export and start from: with the averaged parameters if an average is kept.

        Batch statistics are the running ones in both cases: they are averages over recent steps themselves.
        """
        if self.average is None:
            return self.variables
        return {"params": merged(self.params, self.average), **self.model_state}


def create_state(
    task: Task,
    optimizer: optax.GradientTransformation,
    key: jax.Array,
    batch: Any,
    freeze: Freeze = NONE_FROZEN,
    *,
    averages: bool = False,
) -> TrainState:
    """Initial state for batches of this shape; under `jax.jit`, created with its sharding.

    Args:
      task: task with the model.
      optimizer: optimizer of the parameters that are not frozen.
      key: key of the initial parameters.
      batch: batch of pictures.
      freeze: selection of the frozen parameters.
      averages: whether to keep an average of the others, which starts as their initial values.

    Raises:
      ValueError: the selection holds no parameter, or all.
    """
    variables = dict(task.init(key, batch))
    params = variables.pop("params")
    freeze.check(params)
    trained = freeze.trained(params)
    states = tuple(optimizer.init(trained) for _ in task.losses)
    average = jax.tree.map(jnp.copy, trained) if averages else None
    return TrainState(jnp.zeros((), jnp.int32), params, variables, states, average)
