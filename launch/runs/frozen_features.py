"""Features of a frozen backbone, computed once for all training samples of a run."""

import contextlib
import dataclasses
from collections.abc import Iterable, Sequence

import flax.errors
import jax
import jax.numpy as jnp
from flax.traverse_util import flatten_dict
from jax.sharding import Mesh
from tqdm import tqdm

from datasets.features import Features
from launch.runs import distributed
from launch.runs.assembly import Run
from launch.runs.data import one_pass, shape_of_batch
from recog.batch import Batch
from recog.mesh import put_batch, replicated, traced_on
from recog.ops.crops import mirror
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.task import Variables, normalize
from recog.training.augment import AugmentConfig
from recog.training.freeze import STATISTICS, Freeze
from recog.training.stack import Stack
from recog.training.state import TrainState

BACKBONE = "backbone"
"""Name of the submodule of a classifier that its features come from."""


def frozen_features(runs: Sequence[Run], state: TrainState) -> Features | None:
    """Computes the features of all training samples if they are the same at each step; otherwise returns None.

    They are if all of the backbone is frozen, with its batch statistics, draws no random numbers in training, is the
    same in all runs, and augmentation changes no pictures or only mirrors them, of which features are computed as well.
    None also if most samples would be drawn less than once.

    Args:
      runs: runs that train as one program.
      state: their state, stacked if there are several.
    """
    run = runs[0]
    if not (isinstance(run.task, ClassifyingTask) and _pays(run) and _is_fixed(run, run.task)):
        return None
    if len(runs) > 1:
        if not _are_equal(state):
            return None
        state = Stack(len(runs)).take(state, 0)
    features = _compute(run, run.task, state.variables)
    if jax.process_index() == 0:
        _tell(features)
    return features


def _tell(features: Features) -> None:
    count, *_, size = features.values.shape
    mirrored = features.values.ndim == 3
    print(
        f"features of {count:,} training samples{' and their mirror images' * mirrored} computed once, {size} numbers "
        f"each, {features.values.nbytes / 1e6:,.1f} MB: {BACKBONE} is frozen and pictures are not augmented"
        f"{' otherwise' * mirrored}",
        flush=True,
    )


def _pays(run: Run) -> bool:
    """Whether training draws at least as many samples as there are, and pictures are not augmented but for `flip`."""
    drawn = run.config.train.steps * run.config.data.batch_size
    only_flips = dataclasses.replace(run.config.augment, flip=0.0) == AugmentConfig()
    return only_flips and len(run.training.checked.indices) <= drawn


def _is_fixed(run: Run, task: ClassifyingTask) -> bool:
    """Whether the backbone's function does not change during training."""
    freeze, variables = Freeze(run.config.optimizer.freeze), run.shapes.variables
    if not all(freeze.covers("/".join(path)) for path in flatten_dict(variables["params"]) if path[0] == BACKBONE):
        return False
    statistics = {path[:-1] for path in flatten_dict(variables.get(STATISTICS, {})) if path[0] == BACKBONE}
    return statistics <= freeze.still(variables) and not _draws(
        task, variables, shape_of_batch(run.config.data, task.codec)
    )


def _draws(task: ClassifyingTask, variables: Variables, batch: Batch) -> bool:
    """Whether features depend on random numbers in training."""

    def features(variables: Variables, batch: Batch):
        pictures, collections = normalize(batch.images), [name for name in variables if name != "params"]
        return task.model.apply(variables, pictures, batch.widths, train=True, method="features", mutable=collections)

    try:
        jax.eval_shape(features, variables, batch)
    except flax.errors.InvalidRngError:
        return True
    return False


def _are_equal(state: TrainState) -> bool:
    """Whether all of several runs have the same backbone."""
    arrays = jax.tree.leaves([collection.get(BACKBONE, {}) for collection in state.variables.values()])
    return all(bool(jnp.all(array == array[:1])) for array in arrays)


def _compute(run: Run, task: ClassifyingTask, variables: Variables) -> Features:
    """Features of all training samples; every process gets all of them."""
    stream = one_pass(run.training, run.config.data, task.codec, distributed.share())
    total = -(-len(run.training.checked.indices) // run.config.data.batch_size)
    with contextlib.closing(stream):
        shown = tqdm(stream, "features", total, unit="batch", disable=jax.process_index() > 0, leave=False)
        return compute_features(task, variables, run.mesh, shown, mirrored=run.config.augment.flip > 0)


def compute_features(
    task: ClassifyingTask, variables: Variables, mesh: Mesh, batches: Iterable[Batch], *, mirrored: bool = False
) -> Features:
    """Features of the samples of batches.

    Args:
      task: task of a classifier.
      variables: its variables, on the devices of the mesh.
      mesh: device mesh; the number of rows of a batch must be a multiple of its size.
      batches: batches of pictures on the host.
      mirrored: whether to compute the features of mirror images as well.
    """

    def compute(variables: Variables, batch: Batch) -> Batch:
        features = task.features(variables, batch.images, batch.sizes)
        if mirrored:
            others = task.features(variables, mirror(batch.images, batch.sizes), batch.sizes)
            features = jnp.stack([features, others], axis=1)
        return batch._replace(images=features)

    program = jax.jit(traced_on(mesh, compute), out_shardings=replicated(mesh))
    return Features.join(jax.device_get(program(variables, put_batch(mesh, part))) for part in batches)
