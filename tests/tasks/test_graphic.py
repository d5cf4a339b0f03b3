"""The drawing loss: its value by hand, what it trains, and what empty rows may not touch."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import CHINESE_PLATES, Alphabet
from recog.codecs import TextCodec, TextTargets
from recog.drawing import Box, draw_labels, glyph_atlas
from recog.models.lprnet import LPRNet, LPRNetConfig
from recog.tasks.graphic import drawing_loss
from recog.tasks.reading import ReadingTask
from tests.batches import text_batch

BOX = Box(5, 3, 19, 92)
TEXTS = ["京A12345", "沪B7", ""]


class Sketch(nn.Module):
    """Draws the first channel of its pictures, scaled and normalised by the batch; with dropout."""

    dropout: float = 0.0

    def setup(self):
        self.norm = nn.BatchNorm(use_fast_variance=False)
        self.drop = nn.Dropout(self.dropout)
        self.scale = self.param("scale", nn.initializers.ones, ())

    def __call__(self, images, widths, *, train):
        return self.draw(images, widths, train=train)

    def draw(self, images, widths, *, train):
        mask = (widths > 0)[:, None, None]
        gray = self.norm(images[..., :1], use_running_average=not train, mask=mask[..., None])[..., 0]
        return self.drop(self.scale * gray, deterministic=not train)


@pytest.fixture(scope="module")
def batch():
    random = np.random.default_rng(0)
    labels = np.zeros((4, 8), np.int32)
    for row, text in enumerate(TEXTS):
        labels[row, : len(text)] = CHINESE_PLATES.encode(text)
    return text_batch(
        random.integers(0, 256, (4, 24, 94, 3), np.uint8),
        widths=[94, 94, 94, 0],
        labels=labels,
        lengths=np.array([*map(len, TEXTS), 0], np.int32),
        ids=np.array([5, 6, 7, -1], np.int32),
    )


def objective(model, variables, batch, key=0, box=BOX):
    """Value and output, then gradient; compiled."""
    loss = drawing_loss(model, CHINESE_PLATES, box)
    assert loss.name == "image"

    def function(params):
        return loss.function({**variables, "params": params}, batch, jax.random.key(key))

    return jax.jit(jax.value_and_grad(function, has_aux=True))(variables["params"])


def init(model, batch):
    """Drawn without compiling the model: kernels at random, variances and scales 1, the rest 0."""
    random = np.random.default_rng(1)

    def fill(path, leaf):
        match path[-1].key:
            case "kernel":
                return random.normal(0, np.prod(leaf.shape[:-1]) ** -0.5, leaf.shape).astype(np.float32)
            case "var" | "scale":
                return np.ones(leaf.shape, np.float32)
            case _:
                return np.zeros(leaf.shape, np.float32)

    shapes = jax.eval_shape(lambda: model.init(jax.random.key(0), jnp.asarray(batch.images), batch.widths, train=False))
    return jax.tree_util.tree_map_with_path(fill, shapes)


def test_the_loss_is_the_mean_squared_error_to_the_drawn_label(batch):
    variables = init(Sketch(), batch)
    (value, output), gradient = objective(Sketch(), variables, batch)
    gray = batch.images[:3, ..., 0] / 127.5 - 1
    sketch = (gray - gray.mean()) / np.sqrt(gray.var() + 1e-5)
    targets = map(jnp.asarray, batch.targets)
    labels = draw_labels(glyph_atlas(CHINESE_PLATES), *targets, size=(24, 94), box=BOX)[:3]
    errors = np.mean((sketch - labels) ** 2, axis=(1, 2))
    np.testing.assert_allclose(output.sample_losses[:3], errors, rtol=1e-4)
    np.testing.assert_allclose(value, errors.mean(), rtol=1e-4)
    slope = np.mean(2 * (sketch - labels) * sketch)
    np.testing.assert_allclose(gradient["scale"], slope, rtol=1e-3)
    assert output.sums == {}
    np.testing.assert_allclose(output.model_state["batch_stats"]["norm"]["mean"], 0.01 * gray.mean(), atol=1e-5)


def test_rows_without_a_sample_change_nothing(batch):
    variables = init(Sketch(), batch)
    changed = batch._replace(
        images=np.concatenate([batch.images[:3], np.full((1, 24, 94, 3), 255, np.uint8)]),
        targets=TextTargets(
            np.concatenate([batch.targets.labels[:3], batch.targets.labels[:1]]),
            np.array([*batch.targets.lengths[:3], 7], np.int32),
        ),
    )
    (value, output), gradient = objective(Sketch(), variables, batch)
    for other in (changed, jax.tree.map(lambda x: x[:3], batch)):
        (other_value, other_output), other_gradient = objective(Sketch(), variables, other)
        np.testing.assert_allclose(other_value, value, rtol=1e-5)
        for a, b in zip(
            jax.tree.leaves((gradient, output.model_state)),
            jax.tree.leaves((other_gradient, other_output.model_state)),
            strict=True,
        ):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_a_batch_without_samples_has_no_loss(batch):
    empty = batch._replace(mask=np.zeros(4, bool))
    (value, _), gradient = objective(Sketch(), init(Sketch(), batch), empty)
    assert value == 0
    assert gradient["scale"] == 0


def test_the_key_decides_what_is_dropped(batch):
    model = Sketch(dropout=0.5)
    variables = init(model, batch)
    (once, _), _ = objective(model, variables, batch, key=1)
    (again, _), _ = objective(model, variables, batch, key=1)
    (other, _), _ = objective(model, variables, batch, key=2)
    assert once == again != other


def test_lprnet_learns_features_and_decoder_from_it_but_not_its_classifier(batch):
    model = LPRNet(LPRNetConfig(width=1 / 16, graphic=True), CHINESE_PLATES.classes)
    variables = init(model, batch)
    (value, output), gradient = objective(model, variables, batch)
    assert np.isfinite(value)
    assert output.sample_losses.shape == (4,)
    moved = {name: any(np.any(leaf != 0) for leaf in jax.tree.leaves(part)) for name, part in gradient.items()}
    assert not moved.pop("classifier")
    assert moved.pop("decoder")
    assert moved
    assert all(moved.values())
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert jax.tree.structure(output.model_state["batch_stats"]) == jax.tree.structure(variables["batch_stats"])
    assert any(
        np.any(a != b)
        for a, b in zip(
            jax.tree.leaves(output.model_state["batch_stats"]), jax.tree.leaves(variables["batch_stats"]), strict=True
        )
    )


def test_reading_takes_it_as_an_auxiliary_loss(batch):
    model = LPRNet(LPRNetConfig(width=1 / 16, graphic=True), CHINESE_PLATES.classes)
    task = ReadingTask(model, TextCodec(CHINESE_PLATES, 8), auxiliary=(drawing_loss(model, CHINESE_PLATES, BOX),))
    assert [loss.name for loss in task.losses] == ["image", "ctc"]
    variables = jax.eval_shape(lambda: task.init(jax.random.key(0), batch))
    for loss in task.losses:
        value, output = jax.eval_shape(
            lambda v, function=loss.function: function(v, batch, jax.random.key(0)), variables
        )
        assert (value.shape, output.sample_losses.shape) == ((), (4,))
        assert jax.tree.structure(output.model_state["batch_stats"]) == jax.tree.structure(variables["batch_stats"])


def test_what_cannot_be_drawn_is_refused_before_training(batch):
    with pytest.raises(ValueError, match="cannot draw"):
        drawing_loss(Sketch(), Alphabet("A\ue000"), BOX)
    with pytest.raises(ValueError, match="reaches beyond a drawing of 94x24 pixels"):
        objective(Sketch(), init(Sketch(), batch), batch, box=Box(5, 3, 25, 92))
