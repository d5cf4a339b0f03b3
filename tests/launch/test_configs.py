"""No configuration can rot: each has consistent shapes; each architecture learns and exports at a tiny size.

Whole runs of the plainest, of graphic supervision and of attention are in `test_train` and `test_tasks`.
"""

import importlib
from pathlib import Path
from typing import Any

import flax.traverse_util
import jax
import numpy as np
import pytest
from jax.stages import Traced

from launch.runs.config import Config, to_json
from launch.runs.data import shape_of_batch
from launch.runs.states import abstract_state, advance
from launch.runs.tasks import make_task
from recog.batch import Batch, full_height
from recog.codecs import BoxCodec, BoxLabel, ClassCodec, LabelledBox, fill
from recog.export.write import Provenance, make_program, write_artifact
from recog.models.classifier import ClassifierConfig
from recog.models.crnn import CRNNConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.efficientnet_lite import VARIANTS, Variant
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.yolo import YOLOConfig
from recog.tasks.task import Task
from recog.training.freeze import Freeze
from tests.launch.random_state import random_state

NAMES = sorted(path.stem for path in Path("launch/configs").glob("*.py") if path.stem != "__init__")
TRIED = (
    "arithmetic",  # GRU
    "cats_dogs",  # EfficientNet-Lite
    "lprnet",
    "plate_finder_small",
    "music",  # one direction, tokens with a separator
    "plates_alexnet",
    "plates_crnn",
    "plates_resnet18",
    "plates_stn_crnn",
    "receipts",  # CTC by branches
)
"""One configuration of every architecture; the others' differ from these in sizes and data."""
RECURRENT = (CRNNConfig, CRNNPlateConfig, PlateReaderConfig, MultiTaskConfig)
ROWS = 2
ACCELERATORS = ("cuda", "tpu")


def get_config(name: str) -> Config:
    return importlib.import_module(f"launch.configs.{name}").get_config()


def tiny(config: Config) -> Config:
    """Shrinks a configuration to few channels of the same architecture."""
    config.data.batch_size = ROWS
    if isinstance(config.model, YOLOConfig):
        config.data.height, config.data.width, config.model.blocks = 64, 96, (0,) * 5
    if isinstance(config.model, ClassifierConfig):
        config.data.height = config.data.width = 64
    else:
        config.model.width = 0.03
    if isinstance(config.model, RECURRENT):
        config.model.recurrent.units = config.model.recurrent.projection = 4
    if isinstance(config.model, PlateReaderConfig):
        config.model.fc_units = 8
    if isinstance(config.model, MultiTaskConfig):
        config.model.units = 4
    return config


def noise(config: Config, task: Task) -> Batch:
    """Noisy pictures with labels of three tokens, of one box, or of a class each."""
    data, random = config.data, np.random.default_rng(0)
    pictures = random.integers(0, 256, (ROWS, data.height, data.width or 96, data.channels), np.uint8)
    if isinstance(task.codec, BoxCodec):
        corners = np.array([[10, 20], [60, 20], [60, 40], [10, 40]], np.float32)
        labels = [BoxLabel((LabelledBox(corners, name),)) for name in task.codec.names[:1]] * ROWS
    elif isinstance(task.codec, ClassCodec):
        labels = task.codec.names[:ROWS]
    else:
        alphabet = task.codec.alphabet
        labels = [alphabet.separator.join(random.choice(alphabet.tokens, 3, replace=False)) for _ in range(ROWS)]
    targets = task.codec.zeros(ROWS)
    for row, label in enumerate(labels):
        fill(targets, row, task.codec.encode(label))
    sizes = full_height(np.full(ROWS, pictures.shape[2]), data.height)
    return Batch(pictures, sizes, targets, np.arange(ROWS, dtype=np.int32), np.full(ROWS, True))


def traced_step(config: Config) -> Traced:
    """The traced training step, of abstract arrays at full size."""
    task = make_task(config)
    return jax.jit(advance(config, task)).trace(abstract_state(config, task), shape_of_batch(config.data, task.codec))


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_of_each_configuration_has_consistent_shapes_and_lowers(name):
    config = get_config(name)
    assert isinstance(config, Config)
    task, step = make_task(config), traced_step(config)
    state, (after, report) = abstract_state(config, task), step.out_info
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    for loss in task.losses:
        assert report.sums[f"{loss.name}_loss"].shape == ()
    if name not in TRIED:  # which lower below
        for platform in ACCELERATORS:
            step.lower(lowering_platforms=(platform,))


@pytest.mark.parametrize("name", TRIED)
def test_programs_of_every_architecture_lower_in_bfloat16(name):
    config = get_config(name)
    config.model.dtype = "bfloat16"
    step = traced_step(config)
    for platform in ACCELERATORS:
        assert "bf16" in step.lower(lowering_platforms=(platform,)).as_text()
    task = make_task(config)  # its prediction is the program of evaluations and of artifacts
    variables: Any = flax.traverse_util.flatten_dict(abstract_state(config, task).variables, sep="/")
    program = make_program(task, variables, config.data.preprocess)
    assert set(ACCELERATORS) < set(program.platforms)


def test_the_tuned_classifier_trains_the_end_of_its_backbone_without_normalisation():
    config = get_config("cats_dogs_tuned")
    params = abstract_state(config, make_task(config)).params
    trained = {
        "/".join(path) for path in flax.traverse_util.flatten_dict(Freeze(config.optimizer.freeze).trained(params))
    }
    kernels = {f"backbone/block20/{part}/conv/kernel" for part in ("expand", "depthwise", "project")}
    assert trained == {*kernels, "backbone/head/conv/kernel", "classifier/kernel", "classifier/bias"}
    assert split_of(config) == split_of(get_config("cats_dogs")), "what its start held out is held out again"


def split_of(config: Config) -> tuple[object, ...]:
    data = config.data
    return data.train, data.holdout, data.holdout_by, data.folds, data.exclude


def test_no_architecture_is_left_out():
    assert {type(get_config(name).model) for name in TRIED} == {type(get_config(name).model) for name in NAMES}


@pytest.mark.parametrize("name", TRIED)
def test_every_architecture_learns_and_exports(name, tmp_path, monkeypatch):
    monkeypatch.setattr("recog.export.check.SHAPES", ((ROWS, 96),))  # the export is checked at one shape, not three
    monkeypatch.setitem(VARIANTS, "lite2", Variant(width=0.1, depth=0.3, size=64))
    config = tiny(get_config(name))
    task = make_task(config)
    state, batch = random_state(config, task), noise(config, task)
    ((_, function),) = task.losses

    def loss(params):
        return function({"params": params, **state.model_state}, batch, jax.random.key(0))

    (value, output), gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))(state.params)
    assert np.isfinite(value)
    assert np.isfinite(output.sample_losses).all()
    leaves = jax.tree.leaves(gradient)
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    kernels = [leaf for leaf in leaves if leaf.ndim > 1]  # biases before batch normalisation have nothing to learn
    assert np.mean([np.any(leaf != 0) for leaf in kernels]) > 0.9

    provenance = Provenance(
        config=to_json(config),
        settings=to_json(config.model),
        preprocess=config.data.preprocess,
        training_data=config.data.train,
        validation_data=config.data.validation,
        step=0,
        metrics={},
    )
    agreement = write_artifact(tmp_path / "artifact", task, state.variables, provenance)
    assert agreement.pictures == ROWS


@pytest.mark.parametrize("name", NAMES)
def test_each_configuration_tells_its_command(name):
    module = importlib.import_module(f"launch.configs.{name}")
    assert f"python -m launch.train --config=launch/configs/{name}.py" in (module.__doc__ or "")
