"""A small folder of digits and a small reader for it: what the entry points are tried on."""

from pathlib import Path

import cv2
import jax
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from launch.runs.data import abstract_state
from launch.runs.tasks import make_task
from recog.mesh import make_mesh, replicated
from recog.models.crnn import CRNNConfig
from recog.models.multitask import MultiTaskConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig

CONFIG_FILE = """
from tests.launch.conftest import tiny_config


def get_config():
    return tiny_config({folder!r})
"""


def tiny_config(folder: str) -> Config:
    """Twelve steps of a reader of a few thousand parameters, dropout and augmentation included."""
    return Config(
        alphabet=AlphabetConfig(name="digits"),
        data=DataConfig(train=f"folder:{folder}", holdout=0.25, batch_size=4, buckets=(32, 64), max_label_length=4),
        model=CRNNConfig(width=0.05, batch_norm=(2, 5, 6), recurrent=RecurrentConfig(layers=1, units=8), dropout=0.3),
        augment=AugmentConfig(rotation=3, scale=0.1, noise=0.05),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=3),
        train=LoopConfig(steps=12, log_every=2, evaluate_every=6, checkpoint_every=4),
    )


def price_reader(folder: str) -> Config:
    """A reader of prices by several branches, which learns eta."""
    config = tiny_config(folder)
    config.alphabet = AlphabetConfig(name="price")
    config.data.height, config.data.width, config.data.buckets = 16, 64, ()
    config.model = MultiTaskConfig(
        width=0.03, decoder="ctc", recurrent=RecurrentConfig(layers=1, units=4), units=4, eta_rate=0.05
    )
    return config


def write_digits(folder: Path, count: int) -> None:
    """``count`` pictures of one to three digits, of two widths, with their ``labels.tsv``."""
    random = np.random.default_rng(0)
    lines = []
    for index in range(count):
        text = "".join(str(d) for d in random.integers(0, 10, random.integers(1, 4)))
        image = np.full((32, 30 if index % 2 else 60), 255, np.uint8)
        cv2.putText(image, text, (2, 24), (0,), cv2.FontFace("sans"), 14)
        cv2.imwrite(str(folder / f"{index}.png"), image)
        lines.append(f"{index}.png\t{text}\n")
    (folder / "labels.tsv").write_text("".join(lines), encoding="utf-8")


def saved_arrays(config, workdir):
    """Every array of the newest checkpoint, as NumPy, and its step."""
    like = abstract(abstract_state(config, make_task(config)), replicated(make_mesh()))
    with Checkpoints(workdir) as checkpoints:
        restored = checkpoints.restore(like)
    return jax.tree.map(np.asarray, restored.state), restored.step


def assert_same_state(a, b):
    paths_a, paths_b = (jax.tree_util.tree_flatten_with_path(tree)[0] for tree in (a, b))
    for (path, x), (_, y) in zip(paths_a, paths_b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=jax.tree_util.keystr(path))


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A folder of 24 pictures."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, 24)
    return folder


@pytest.fixture
def config(digits) -> Config:
    """A fresh configuration to change at will."""
    return tiny_config(str(digits))


@pytest.fixture
def config_file(digits, tmp_path) -> Path:
    """The same configuration as a file for ``--config``."""
    path = tmp_path / "tiny.py"
    path.write_text(CONFIG_FILE.format(folder=str(digits)))
    return path
