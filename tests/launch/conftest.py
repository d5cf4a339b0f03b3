"""A small folder of digits and small readers for it: what the entry points are tried on."""

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import jax
import numpy as np
import pytest
from filelock import FileLock

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from launch.runs.training import train
from recog.mesh import make_mesh, replicated
from recog.models.multitask import MultiTaskConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.checkpoints import Checkpoints, abstract
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig
from recog.training.preemption import StopRequest
from recog.training.state import TrainState
from tests.launch.tiny_models import two_convolutions

CONFIG_FILE = """
from tests.launch.conftest import tiny_config


def get_config():
    return tiny_config({folder!r})
"""


def tiny_config(folder: str) -> Config:
    """Twelve steps of a reader of two convolutions, on pictures of one width as they are."""
    model = two_convolutions()
    model.batch_norm = (7,)
    return Config(
        alphabet=AlphabetConfig(name="digits"),
        data=DataConfig(train=f"folder:{folder}", holdout=0.25, batch_size=4, buckets=(64,), max_label_length=4),
        model=model,
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=3),
        train=LoopConfig(steps=12, log_every=2, evaluate_every=6, checkpoint_every=4),
    )


def varied_config(folder: str) -> Config:
    """Six steps of the same reader with all that is random or changes shapes: dropout, augmentation, two widths."""
    config = tiny_config(folder)
    config.data.buckets, config.model.dropout = (32, 64), 0.3
    config.augment = AugmentConfig(rotation=3, scale=0.1, noise=0.05)
    config.train = LoopConfig(steps=6, log_every=1, evaluate_every=3, checkpoint_every=2)
    return config


def price_reader(folder: str) -> Config:
    """A reader of prices by several branches, which learns eta."""
    config = tiny_config(folder)
    config.alphabet = AlphabetConfig(name="price")
    config.data.height, config.data.width, config.data.buckets = 16, 64, ()
    config.model = MultiTaskConfig(
        width=0.03, decoder="ctc", recurrent=RecurrentConfig(layers=1, units=4), units=4, eta_rate=0.05
    )
    return config


def plate_reader(folder: str) -> Config:
    """A reader of plates by several branches with attention, which learns eta."""
    config = price_reader(folder)
    config.alphabet = AlphabetConfig(name="digits")
    config.model = dataclasses.replace(config.model, structure="plate_full", decoder="attention")
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


class StopAfter(StopRequest):
    """Asks a run of this process to stop after a step."""

    def __init__(self, last: int):
        super().__init__()
        self.last = last

    def reached(self, step: int) -> bool:
        self.requested = step == self.last
        return self.requested


def saved_arrays(config: Config, workdir: Path) -> tuple[TrainState, int]:
    """Every array of the newest checkpoint, as NumPy, and its step."""
    like = abstract(abstract_state(config, make_task(config)), replicated(make_mesh()))
    with Checkpoints(workdir, writes=False) as checkpoints:
        restored = checkpoints.restore(like)
    return jax.tree.map(np.asarray, restored.state), restored.step


def assert_same_state(a, b):
    paths_a, paths_b = (jax.tree_util.tree_flatten_with_path(tree)[0] for tree in (a, b))
    for (path, x), (_, y) in zip(paths_a, paths_b, strict=True):
        np.testing.assert_array_equal(x, y, err_msg=jax.tree_util.keystr(path))


class OnceForAll(NamedTuple):
    """Folders that one of the test processes fills, and all of them use; who changes one takes a copy."""

    root: Path

    def folder(self, name: str, fill: Callable[[Path], None]) -> Path:
        """The folder ``name``; filled by who asks first, while the others wait."""
        folder, filled = self.root / name, self.root / f"{name}.filled"
        with FileLock(self.root / f"{name}.lock"):
            if not filled.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of who failed half way
                folder.mkdir()
                fill(folder)
                filled.touch()
        return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> OnceForAll:
    base = tmp_path_factory.getbasetemp()
    root = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "once"
    root.mkdir(exist_ok=True)
    return OnceForAll(root)


@pytest.fixture(scope="session")
def digits(once) -> Path:
    """A folder of 24 pictures."""
    return once.folder("digits", lambda folder: write_digits(folder, 24))


class TrainedOnce(NamedTuple):
    """The run that most tests of trained models share."""

    config: Config
    workdir: Path
    state: TrainState
    """The last state, as training returned it; NumPy arrays."""


@pytest.fixture(scope="session")
def trained(once, digits) -> TrainedOnce:
    """A run of `tiny_config` from start to end without interruption."""
    config = tiny_config(str(digits))

    def fill(folder: Path) -> None:
        np.savez(folder / "state.npz", *jax.tree.leaves(jax.device_get(train(config, folder / "run"))))

    folder = once.folder("trained", fill)
    shapes = abstract_state(config, make_task(config))
    with np.load(folder / "state.npz") as arrays:
        state = jax.tree.unflatten(jax.tree.structure(shapes), list(arrays.values()))
    return TrainedOnce(config, folder / "run", state)


class Exported(NamedTuple):
    """The artifact of the `trained` run, as the command wrote it."""

    folder: Path
    output: str


@pytest.fixture(scope="session")
def exported(once, trained) -> Exported:
    """``python -m launch.export`` of the `trained` run, where files may be read by all by default."""

    def fill(folder: Path) -> None:
        command = [sys.executable, "-m", "launch.export", f"--workdir={trained.workdir}", f"--out={folder}/artifact"]
        done = subprocess.run(command, capture_output=True, text=True, umask=0o022)
        assert done.returncode == 0, done.stderr
        (folder / "output.txt").write_text(done.stdout)

    folder = once.folder("exported", fill)
    return Exported(folder / "artifact", (folder / "output.txt").read_text())


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
