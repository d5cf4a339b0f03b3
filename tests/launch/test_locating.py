"""A detector goes through the ordinary commands: it trains, is cut off, resumes, is evaluated, exported, served."""

import json
import shutil

import cv2
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from datasets.pipeline import DataConfig
from launch.runs.box_tiles import LABELLED
from launch.runs.config import Config
from launch.runs.evaluating import evaluate
from launch.runs.evaluating_artifact import evaluate_artifact
from launch.runs.exporting import export
from launch.runs.training import train
from recog.detection.positions import STRIDES, Raw
from recog.export.artifact import Artifact
from recog.models.darknet import leaky_relu, space_to_depth
from recog.models.yolo import YOLO, YOLOConfig
from recog.ops.pooling import max_pool
from recog.serving import PlateReader
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig
from tests.training.events import load_pictures

PRIORS = ((12, 5), (15, 6), (18, 7), (20, 8), (24, 9), (28, 11), (34, 13), (42, 16), (50, 20))


def draw(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A dark picture with a bright rectangle, and its corners."""
    picture = random.integers(0, 60, (60, 90, 3)).astype(np.uint8)
    width, height = int(random.integers(16, 36)), int(random.integers(7, 13))
    left, top = int(random.integers(2, 88 - width)), int(random.integers(2, 58 - height))
    picture[top : top + height, left : left + width] = 220
    right, bottom = left + width, top + height
    return picture, np.array([[left, top], [right, top], [right, bottom], [left, bottom]])


class Shallow(YOLO):
    """Heads over two convolutions and their maxima, which compile and learn in a moment."""

    @nn.compact
    def __call__(self, images, widths, *, train):
        x, heads = space_to_depth(images, STRIDES[0]), []
        for number in range(2):
            x = leaky_relu(nn.Conv(48, (3, 3), name=f"conv{number}")(x))
        for stride in STRIDES:
            heads.append(self._head(x, stride))
            x = max_pool(x, (2, 2))
        return Raw(*(jnp.concatenate(parts, axis=1) for parts in zip(*heads, strict=True)))


@pytest.fixture(scope="module", autouse=True)
def _shallow():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(YOLOConfig, "build", lambda config, codec: Shallow(config, codec.classes))
        yield


@pytest.fixture(scope="module")
def config(tmp_path_factory) -> Config:
    folder, random, rows = tmp_path_factory.mktemp("boxes"), np.random.default_rng(0), []
    for index in range(32):
        picture, corners = draw(random)
        cv2.imwrite(str(folder / f"{index}.png"), picture)
        rows.append(f"{index}.png\t\t" + " ".join(f"{x},{y}" for x, y in corners) + "\n")
    (folder / "boxes.tsv").write_text("".join(rows), encoding="utf-8")
    return Config(
        classes=("plate",),
        data=DataConfig(
            train=f"boxes:{folder}", holdout=0.25, batch_size=8, height=64, width=96, channels=3, letterbox=True
        ),
        model=YOLOConfig(priors=PRIORS, regression=10.0),
        augment=AugmentConfig(translate=0.05),
        optimizer=OptimizerConfig(learning_rate=0.01, warmup_steps=20, clip_norm=10.0),
        train=LoopConfig(steps=200, log_every=20, evaluate_every=100, checkpoint_every=100),
    )


@pytest.fixture(scope="module")
def workdir(config, tmp_path_factory):
    """A run that was cut off half way and went on, and ended as it had without a break."""
    folder = tmp_path_factory.mktemp("run")
    straight = jax.device_get(train(config, folder))
    shutil.rmtree(folder / "checkpoints" / "latest" / "200")
    jax.tree.map(np.testing.assert_array_equal, jax.device_get(train(config, folder)), straight)
    return folder


def test_it_learns_and_tells_its_rates(workdir):
    lines = [json.loads(line) for line in (workdir / "metrics.jsonl").read_text().splitlines()]
    last = {name: value for line in lines for name, value in line.items()}
    assert last["validation/ap_50"] > 0.5
    assert last["train/box_loss"] < 0.1 * lines[0]["train/box_loss"]
    assert (workdir / "curves.png").stat().st_size > 1000
    shown = load_pictures(workdir)
    assert [(found.step, found.tag) for found in shown] == [
        (step, "validation/predictions") for step in (100, 200, 200)
    ]
    assert (np.abs(shown[-1].picture.astype(int) - LABELLED) < 40).all(axis=2).any(), "boxes are outlined"
    assert json.loads((workdir / "codec.json").read_text())["kind"] == "boxes"


def test_it_is_exported_for_another_size(workdir, tmp_path):
    with pytest.raises(ValueError, match=r"data\.height=100.*multiples of 32"):
        export(workdir, tmp_path / "artifact", height=100)
    export(workdir, tmp_path / "artifact", height=128, width=192)
    artifact = Artifact.load(tmp_path / "artifact")
    assert artifact.fit(np.zeros((60, 90, 3), np.uint8)).shape == (128, 192, 3)
    assert json.loads((workdir / "config.json").read_text())["data"]["height"] == 64


def test_it_is_evaluated_exported_and_served(workdir, config, tmp_path):
    report = evaluate(workdir, out=tmp_path / "report")
    assert report["count"] == 8
    assert report["ap_50"] > 0.5
    assert len((tmp_path / "report" / "predictions.tsv").read_text().splitlines()) == 9
    assert cv2.imread(str(tmp_path / "report" / "contact_sheet.png")) is not None
    agreement = export(workdir, tmp_path / "artifact")
    assert agreement.difference <= 1e-4
    of_run = evaluate(workdir, config.data.train, tmp_path / "of_run")
    found = evaluate_artifact(str(tmp_path / "artifact"), config.data.train, tmp_path / "of_artifact")
    assert list(found) == list(of_run)
    assert {**found, "images_per_second": 0} == pytest.approx({**of_run, "images_per_second": 0}, rel=1e-3)
    assert cv2.imread(str(tmp_path / "of_artifact" / "contact_sheet.png")) is not None
    finder = PlateReader(Artifact.load(tmp_path / "artifact"), threshold=0.2)
    picture, corners = draw(np.random.default_rng(5))
    large = cv2.resize(picture, (270, 180), interpolation=cv2.INTER_NEAREST)
    best = finder.read([large])[0][0]
    assert np.abs(np.array(best.box) - 3 * np.concatenate([corners[0], corners[2]])).max() < 24
    assert (best.text, best.name) == ("", "plate")
