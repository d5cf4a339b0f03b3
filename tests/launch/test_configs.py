"""No configuration can rot: each has consistent shapes; each architecture trains and exports at a tiny size."""

import importlib
from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

from launch.export import export
from launch.runs.config import Config
from launch.runs.data import abstract_state, shape_of_batch
from launch.runs.tasks import make_task
from launch.train import train
from recog.alphabet import Alphabet
from recog.models.crnn import CRNNConfig
from recog.models.crnn_plate import CRNNPlateConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import make_optimizer
from recog.training.step import make_advance

NAMES = sorted(path.stem for path in Path("launch/configs").glob("*.py") if path.stem != "__init__")
TRAINED = (
    "arithmetic",  # GRU
    "lprnet_graphic",
    "music",  # one direction, tokens with a separator
    "plates_alexnet",
    "plates_crnn",
    "plates_resnet18",
    "plates_stn_crnn",
    "price_tags",  # attention
    "receipts",  # CTC by branches
)
"""One configuration of every architecture; the others' differ from these in sizes and data."""
RECURRENT = (CRNNConfig, CRNNPlateConfig, PlateReaderConfig, MultiTaskConfig)


def get_config(name: str) -> Config:
    return importlib.import_module(f"launch.configs.{name}").get_config()


def tiny(config: Config, folder: Path) -> Config:
    """The same architecture with a few channels, for two steps on a folder."""
    config.init_from = ""
    config.data.train = config.data.validation = f"folder:{folder}"
    config.data.batch_size = 4
    config.model.width = 0.03
    if isinstance(config.model, RECURRENT):
        config.model.recurrent.units = config.model.recurrent.projection = 4
    if isinstance(config.model, PlateReaderConfig):
        config.model.fc_units = 8
    if isinstance(config.model, MultiTaskConfig):
        config.model.units = 4
    config.optimizer.warmup_steps = 1
    config.train = LoopConfig(steps=2, log_every=1, evaluate_every=2, checkpoint_every=2)
    return config


def write_folder(folder: Path, alphabet: Alphabet) -> None:
    """Eight noisy pictures with short labels over an alphabet."""
    random = np.random.default_rng(0)
    folder.mkdir()
    lines = []
    for index in range(8):
        cv2.imwrite(str(folder / f"{index}.png"), random.integers(0, 256, (32, 96, 3), np.uint8))
        tokens = random.choice(alphabet.tokens, random.integers(3, 8), replace=len(alphabet.tokens) < 8)
        lines.append(f"{index}.png\t{alphabet.separator.join(tokens)}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_training_step_of_each_configuration_has_consistent_shapes(name):
    config = get_config(name)
    assert isinstance(config, Config)
    task = make_task(config)
    state = abstract_state(config, task)
    advance = make_advance(task, make_optimizer(config.optimizer, config.train.steps), config.augment, config.seed)
    after, report = jax.eval_shape(advance, state, shape_of_batch(config))
    assert jax.tree.map(lambda x: (x.shape, x.dtype), after) == jax.tree.map(lambda x: (x.shape, x.dtype), state)
    for loss in task.losses:
        assert report.sums[f"{loss.name}_loss"].shape == ()


def test_no_architecture_is_left_out():
    assert {type(get_config(name).model) for name in TRAINED} == {type(get_config(name).model) for name in NAMES}


@pytest.fixture
def quick_to_compile(monkeypatch):
    """Programs that run a few times alone need no optimising; the export is checked at one shape instead of three."""
    monkeypatch.setattr("recog.export.check.SHAPES", ((2, 96),))
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.mark.slow
@pytest.mark.usefixtures("quick_to_compile")
@pytest.mark.parametrize("name", TRAINED)
def test_every_architecture_trains_and_exports(name, tmp_path):
    config = tiny(get_config(name), tmp_path / "samples")
    write_folder(tmp_path / "samples", make_task(config).alphabet)
    state = train(config, tmp_path / "run")
    assert int(state.step) == 2
    agreement = export(tmp_path / "run", tmp_path / "artifact")
    assert agreement.pictures == 2


@pytest.mark.parametrize("name", NAMES)
def test_each_configuration_tells_its_command(name):
    module = importlib.import_module(f"launch.configs.{name}")
    assert f"python -m launch.train --config=launch/configs/{name}.py" in (module.__doc__ or "")
