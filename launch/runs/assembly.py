"""What a training run is made of, found out before it starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jax
import optax
from jaxtyping import Array

from launch.runs import distributed
from launch.runs.config import Config, to_json
from launch.runs.data import Samples, abstract_state, check, open_data, shape_of_batch
from launch.runs.folder import Identity, refuse_other_run, steps_done
from launch.runs.pretrained import pretrained
from launch.runs.tasks import drawing_box, make_task, note_missing_parts
from recog.drawing import Box
from recog.mesh import by_parameter, check_batch_size, make_mesh
from recog.models.multitask import MultiTaskConfig
from recog.tasks.task import Task
from recog.training.optimizers import make_optimizer
from recog.training.state import TrainState
from recog.training.step import Advance, make_advance


class Run(NamedTuple):
    """What is trained, on what, from where."""

    config: Config
    task: Task
    shapes: TrainState
    """The state, abstract."""
    mesh: jax.sharding.Mesh
    training: Samples
    validation: Samples
    start: int
    """Steps that are done already."""
    taken: Mapping[str, Array]
    """Arrays that a fresh state takes over from another run."""
    box: Box | None
    """Where graphic supervision draws labels."""

    @property
    def documents(self) -> Identity:
        """What every checkpoint holds as well."""
        return {"config": to_json(self.config), "alphabet": self.task.alphabet.to_dict()}

    @property
    def samples(self) -> dict[str, dict]:
        """What must not change while the run is resumed."""
        return {"training": self.training.identity(), "validation": self.validation.identity()}

    @property
    def order_seed(self) -> int:
        """Of the order of training samples."""
        return self.config.seed if self.config.data.order_seed < 0 else self.config.data.order_seed

    @property
    def optimizer(self) -> optax.GradientTransformation:
        return make_optimizer(self.config.optimizer, self.config.train.steps)

    @property
    def sharding(self) -> TrainState:
        """Where the state's arrays live."""
        return by_parameter(self.mesh, self.shapes)

    @property
    def devices(self) -> dict[str, int]:
        """How many there are of what."""
        return {"devices": self.mesh.size, "processes": jax.process_count(), "fsdp": self.config.mesh.fsdp}


def prepare(config: Config, workdir: Path) -> Run:
    """Finds out that a run can start, before any of its arrays is made or anything is written.

    Raises:
      ValueError: it cannot, or (`OtherRunError`) the folder is another run's, or the processes differ.
    """
    task = trainable(config)
    mesh = make_mesh(config.mesh)
    check_batch_size(config.data.batch_size, mesh.size, config.optimizer.accumulation_steps)
    train_source, validation_source = open_data(config)
    refuse_other_run(workdir, {"config": to_json(config), "alphabet": task.alphabet.to_dict()})
    start = steps_done(workdir)
    distributed.agree({"configuration": to_json(config), "step to go on from": start})  # before they work together
    taken = pretrained(config, task) if config.init_from and not start else {}
    shapes = abstract_state(config, task)
    jax.eval_shape(advance(config, task), shapes, shape_of_batch(config))
    training = check(train_source, config, task, "training samples")
    validation = check(validation_source, config, task, "validation samples")
    box = drawing_box(config, training)
    task = make_task(config, task.alphabet, box) if box else task
    return Run(config, task, shapes, mesh, training, validation, start, taken, box)


def trainable(config: Config) -> Task:
    """The configured task; raises ``ValueError`` where it cannot be trained as configured."""
    if not isinstance(config, Config):
        raise ValueError("get_config() of the configuration file does not return a launch.runs.config.Config")
    task = make_task(config)
    note_missing_parts(task)
    config.data.check()
    parts = config.optimizer.accumulation_steps
    if isinstance(config.model, MultiTaskConfig) and config.model.eta_rate and parts > 1:
        raise ValueError(
            f"model.eta_rate={config.model.eta_rate} looks through a step of a whole batch, and "
            f"optimizer.accumulation_steps={parts} is for batches too large for that: set it to 1, or the rate to 0"
        )
    if config.optimizer.weight_decay and len(task.losses) > 1:
        raise ValueError(
            f"optimizer.weight_decay={config.optimizer.weight_decay} would shrink every parameter at each of the "
            f"{len(task.losses)} updates of a batch, those that an update's loss does not reach as well: set it to 0"
        )
    return task


def advance(config: Config, task: Task) -> Advance:
    """One step of the configured training."""
    optimizer = make_optimizer(config.optimizer, config.train.steps)
    return make_advance(task, optimizer, config.augment, config.seed, config.optimizer.accumulation_steps)
