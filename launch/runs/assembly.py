"""Assembly and checks of a training run before it starts."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax

from datasets.mean_image import mean_image
from launch.runs import distributed
from launch.runs.config import Config, to_json
from launch.runs.data import Samples, check, needs, open_data, shape_of_batch, show_leaks
from launch.runs.folder import Identity, refuse_other_run
from launch.runs.pretrained import pretrained
from launch.runs.pseudo_label_file import PseudoLabel
from launch.runs.pseudo_labels import check_unlabelled, with_pseudo_labels
from launch.runs.resuming import steps_to_resume
from launch.runs.settings import array_settings
from launch.runs.states import abstract_state, advance
from launch.runs.tasks import draws_labels, make_task
from recog.drawing import Box, alignment_box
from recog.mesh import by_parameter, check_batch_size, make_mesh
from recog.tasks.task import Task
from recog.training.optimizers import check_optimizer
from recog.training.state import TrainState
from recog.training.transfer import Taken


class Run(NamedTuple):
    """A training run that has passed all checks."""

    config: Config
    task: Task
    shapes: TrainState
    """Abstract state."""
    mesh: jax.sharding.Mesh
    training: Samples
    validation: Samples
    start: int
    """Number of steps already done."""
    taken: Taken
    """Arrays of another run, or entries of them, that replace those of a fresh state, by path."""
    box: Box | None
    """Position in pixels of the labels that graphic supervision draws; None without it."""
    pseudo_labels: Sequence[PseudoLabel] = ()
    """Labels of the unlabelled pictures among the training samples."""

    @property
    def documents(self) -> Identity:
        """Identity of the run, stored in every checkpoint as well."""
        return documents(self.config, self.task)

    @property
    def samples(self) -> dict[str, dict]:
        """Identities of the samples, which must not change when the run is resumed."""
        return {"training": self.training.identity(), "validation": self.validation.identity()}

    @property
    def order_seed(self) -> int:
        """Seed of the order of the training samples."""
        return self.config.seed if self.config.data.order_seed < 0 else self.config.data.order_seed

    @property
    def sharding(self) -> TrainState:
        """Shardings of the state's arrays."""
        return by_parameter(self.mesh, self.shapes)

    @property
    def devices(self) -> dict[str, int]:
        """Numbers of devices and processes."""
        return {"devices": self.mesh.size, "processes": jax.process_count(), "fsdp": self.config.mesh.fsdp}


def documents(config: Config, task: Task) -> Identity:
    """The configuration and the codec, for JSON."""
    return {"config": to_json(config), "codec": task.codec.to_json()}


def assemble(config: Config, workdir: Path) -> Run:
    """Assembles a run and checks that it can start, before arrays are allocated or files are written.

    Raises:
      ValueError: the run cannot start, the folder holds another run (`OtherRunError`), or the processes differ.
    """
    task = trainable(config)
    mesh = make_mesh(config.mesh)
    check_batch_size(config.data.batch_size, mesh.size, config.optimizer.accumulation_steps)
    train_source, validation_source = open_data(config)
    refuse_other_run(workdir, documents(config, task))
    shapes = abstract_state(config, task)
    start = steps_to_resume(workdir, shapes)
    distributed.agree(
        {"configuration": to_json(config), "step to go on from": start}
    )  # before their first collective operation
    taken = pretrained(config, task) if config.init_from and not start else {}
    jax.eval_shape(advance(config, task), shapes, shape_of_batch(config.data, task.codec))
    asked = needs(config.data, task)
    training = check(train_source, asked, config.data.on_bad_sample, "training samples", pictures=True)
    validation = check(validation_source, asked, config.data.on_bad_sample, "validation samples", pictures=True)
    show_leaks(training, validation)
    pseudo_labels = ()
    if config.data.unlabelled:
        training, pseudo_labels = with_pseudo_labels(config, task, workdir, start, training, validation)
    training, validation = (samples.without_pictures() for samples in (training, validation))
    box = drawing_box(config, training)
    task = make_task(config, task.codec, box) if box else task
    return Run(config, task, shapes, mesh, training, validation, start, taken, box, pseudo_labels)


def trainable(config: Config) -> Task:
    """Builds the configured task; raises ``ValueError`` if it cannot be trained as configured."""
    if not isinstance(config, Config):
        raise ValueError("get_config() of the configuration file does not return a launch.runs.config.Config")
    task = make_task(config)
    show_notes(task)
    config.data.check()
    check_optimizer(config.optimizer, config.train.steps)
    check_unlabelled(config, task)
    array_settings([config])
    parts = config.optimizer.accumulation_steps
    if task.learns_from_validation and parts > 1:
        raise ValueError(
            f"model.eta_rate looks through a step of a whole batch, but optimizer.accumulation_steps={parts}: "
            "set it to 1, or the rate to 0"
        )
    if config.optimizer.weight_decay and len(task.losses) > 1:
        raise ValueError(
            f"optimizer.weight_decay={config.optimizer.weight_decay} would shrink every parameter at each of the "
            f"{len(task.losses)} updates of a batch, even those without a gradient from its loss: set it to 0"
        )
    return task


def show_notes(task: Task) -> None:
    """Prints the notes of a task."""
    for note in task.notes:
        print(f"note: {note}", flush=True)


def drawing_box(config: Config, training: Samples) -> Box | None:
    """Position of the characters in the training samples, for graphic supervision; None without it."""
    if not draws_labels(config):
        return None
    box = alignment_box(mean_image(training.source, training.checked.indices, config.data))
    print(f"labels are drawn into rows {box.top} to {box.bottom}, columns {box.left} to {box.right}", flush=True)
    return box
