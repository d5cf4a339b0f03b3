"""LPRNet against the PyTorch port's network in plain NumPy, and the promise that no answer depends on its batch."""

import dataclasses
import functools
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.alphabet import CHINESE_PLATES
from recog.codecs import TextCodec
from recog.ctc import best_path
from recog.images import decode
from recog.importing import lprnet_pytorch
from recog.importing.torch_file import read_state_dict
from recog.models.drawing_head import LAYERS, DrawingHead
from recog.models.lprnet import LPRNet, LPRNetConfig
from tests.importing import lprnet_port
from tests.variables import abstract_variables, random_variables

DATA = Path(os.environ.get("RECOG_REAL_DATA", ""))
WEIGHTS = DATA / "lprnet_pytorch_weights" / "Final_LPRNet_model.pth"
PLATES = DATA / "plates_cn" / "labels.tsv"

CLASSES = 5
FULL = 94


def tiny(**options):
    return LPRNet(dataclasses.replace(LPRNetConfig(width=1 / 16, dropout=0.0), **options), CLASSES)


def count(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


def shapes(model):
    return abstract_variables(model, jnp.zeros((1, 24, FULL, 3)), jnp.array([FULL]), train=False)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).uniform(-1, 1, (4, 24, FULL, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def variables(images):
    """Of the graphic model, which serve the plain one as well; nothing has its initial value."""
    return random_variables(tiny(graphic=True), images, np.full(4, FULL), seed=1, train=False)


def read(model, variables, images, widths=None, *, key=None):
    """Frames; with a key, those and new statistics of training with that dropout."""
    run = program(model.classes, "read" if key is None else "train", *dataclasses.astuple(model.config))
    return run(variables, images, np.full(len(images), FULL) if widths is None else np.array(widths), key)


def lowered(model, variables, images) -> str:
    """The program that reads, before it is compiled."""
    run = program(model.classes, "read", *dataclasses.astuple(model.config))
    return run.lower(variables, images, np.full(len(images), FULL), None).as_text()


def learn(model, variables, images, widths=None, method="__call__"):
    """Gradients of the mean square of what the method gives while training; that, and the new statistics."""
    run = program(model.classes, method, *dataclasses.astuple(model.config))
    return run(variables, images, np.full(len(images), FULL) if widths is None else np.array(widths))


@functools.cache
def program(classes, kind, *config):
    """Compiled: ``read``, ``train``, or the gradients of a method."""
    model = LPRNet(LPRNetConfig(*config), classes)

    def apply(variables, images, widths, key):
        mutable, rngs = ("batch_stats",) if kind == "train" else False, None if key is None else {"dropout": key}
        return model.apply(variables, images, widths, train=kind == "train", mutable=mutable, rngs=rngs)

    def gradients(variables, images, widths):
        def loss(params):
            every, mutable = {**variables, "params": params}, ("batch_stats",)
            out, state = model.apply(every, images, widths, train=True, mutable=mutable, method=kind)
            return jnp.mean((out if kind == "draw" else out.logits) ** 2), (out, state)

        return jax.grad(loss, has_aux=True)(variables["params"])

    return jax.jit(apply if kind in ("read", "train") else gradients)


def test_parameters_are_as_many_as_the_ports():
    assert count(shapes(LPRNet(LPRNetConfig(), 68))["params"]) == 446_976


def test_a_plate_has_18_frames(variables, images):
    frames = read(tiny(), variables, images)
    assert frames.logits.shape == (4, LPRNet.frames(FULL), CLASSES) == (4, 18, CLASSES)
    assert frames.lengths.tolist() == [18, 18, 18, 18]


def test_other_sizes_are_refused_by_name():
    with pytest.raises(ValueError, match="width 94, got 100"):
        LPRNet.frames(100)
    with pytest.raises(ValueError, match="height 24 and width 94, got 32 and 94"):
        tiny().init(jax.random.key(0), jnp.zeros((1, 32, FULL, 3)), jnp.array([FULL]), train=False)


def test_an_unknown_context_is_refused():
    model = tiny()
    model.config.context = "plate"  # type: ignore[assignment]
    with pytest.raises(ValueError, match="'plate': choose sample or batch"):
        shapes(model)


def test_width_multiplies_channels_down_to_one():
    half = shapes(LPRNet(LPRNetConfig(width=0.5), CLASSES))["params"]
    assert half["conv1"]["conv"]["kernel"].shape == (3, 3, 3, 32)
    assert half["block3"]["horizontal"]["conv"]["kernel"].shape == (1, 3, 32, 32)
    assert half["classifier"]["kernel"].shape == (1, 1, 224 + CLASSES, CLASSES)
    thinnest = shapes(LPRNet(LPRNetConfig(width=1 / 256, graphic=True), CLASSES))["params"]
    assert thinnest["conv1"]["conv"]["kernel"].shape == (3, 3, 3, 1)


@pytest.mark.parametrize("seed", [0, 1])
def test_imported_weights_give_the_ports_logits(seed):
    weights = lprnet_port.random_weights(seed, classes=11)
    pixels = np.random.default_rng(seed).integers(0, 256, (2, 24, FULL, 3))
    variables = lprnet_pytorch.convert(weights)
    normalised = (pixels / 127.5 - 1).astype(np.float32)
    alone = [lprnet_port.logits(weights, pixels[row : row + 1])[0] for row in range(2)]
    by_sample = read(LPRNet(LPRNetConfig(context="sample"), 11), variables, normalised)
    np.testing.assert_allclose(by_sample.logits, alone, atol=1e-4)
    by_batch = read(LPRNet(LPRNetConfig(context="batch"), 11), variables, normalised)
    np.testing.assert_allclose(by_batch.logits, lprnet_port.logits(weights, pixels), atol=1e-4)


def test_a_reading_depends_on_no_batch_mate_and_on_no_row_without_a_sample(variables, images):
    together = read(tiny(), variables, images, [FULL, 0, FULL, FULL])
    assert together.lengths.tolist() == [18, 0, 18, 18]
    assert np.isfinite(together.logits).all()
    for row in (0, 2):
        alone = read(tiny(), variables, images[[row] * 4])
        np.testing.assert_allclose(together.logits[row], alone.logits[0], atol=1e-5)


def test_the_batch_context_is_that_of_the_rows_with_samples(variables, images):
    """Two samples with two other rows are as the two samples twice."""
    model, loud = tiny(context="batch"), np.concatenate([images[:2], 100 * images[2:]])
    with_empty = read(model, variables, loud, [FULL, FULL, 0, 0])
    without = read(model, variables, images[[0, 1, 0, 1]])
    np.testing.assert_allclose(with_empty.logits[:2], without.logits[:2], atol=1e-5)
    other_mate = read(model, variables, images[[0, 2, 0, 2]])
    assert not np.allclose(other_mate.logits[0], without.logits[0], atol=1e-3)


@pytest.mark.parametrize("context", ["sample", "batch"])
def test_rows_without_a_sample_move_no_statistics(context, variables, images):
    """Two samples with two other rows are as the two samples twice."""
    loud = np.concatenate([images[:2], 100 * images[2:]])
    _, with_empty = learn(learner(context), variables, loud, [FULL, FULL, 0, 0])
    _, without = learn(learner(context), variables, images[[0, 1, 0, 1]])
    np.testing.assert_allclose(with_empty[0].logits[:2], without[0].logits[:2], atol=1e-4)
    for a, b in zip(jax.tree.leaves(with_empty[1]), jax.tree.leaves(without[1]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def learner(context: str = "sample") -> LPRNet:
    """What most tests train: a graphic model, which reads as a plain one, or one with the context of the batch."""
    return tiny(context=context, graphic=context == "sample")


def is_zero(tree) -> bool:
    return all(not np.any(x) for x in jax.tree.leaves(tree))


@pytest.mark.parametrize("context", ["sample", "batch"])
def test_dead_features_give_finite_logits_and_gradients(context, variables, images):
    norm = variables["params"]["conv3"]["norm"]
    for scale, bias in ((0.0, 0.0), (0.0, -1.0), (1e-12, 0.0)):
        dead = {"scale": np.full_like(norm["scale"], scale), "bias": np.full_like(norm["bias"], bias)}
        params = {**variables["params"], "conv3": {**variables["params"]["conv3"], "norm": dead}}
        gradients, (frames, _) = learn(learner(context), {**variables, "params": params}, images)
        assert all(np.isfinite(x).all() for x in jax.tree.leaves((gradients, frames.logits)))


def test_every_parameter_is_trained(variables, images):
    gradients, _ = learn(learner(), variables, images)
    del gradients["decoder"]
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        # A bias before batch normalisation is subtracted with the mean again.
        if "norm" in {part.key for part in path} or path[-1].key == "kernel":
            assert np.any(gradient), path


def test_dropout_drops_only_while_training(variables, images):
    model = tiny(dropout=0.5)
    one, other = (read(model, variables, images, key=jax.random.key(key))[0].logits for key in (1, 2))
    assert not np.allclose(one, other)
    assert lowered(model, variables, images) == lowered(tiny(), variables, images)


def test_bfloat16_keeps_parameters_statistics_and_logits_in_float32(variables, images):
    model = tiny(dtype="bfloat16", graphic=True)
    train = functools.partial(model.apply, train=True, mutable=("batch_stats",))
    frames, state = jax.eval_shape(train, variables, images, np.full(4, FULL))
    assert all(x.dtype == jnp.float32 for x in jax.tree.leaves((frames.logits, state, shapes(model))))
    low, high = (read(model, variables, images).logits for model in (tiny(dtype="bfloat16"), tiny()))
    assert 0 < np.mean(np.abs(low - high)) < 0.1 * np.mean(np.abs(high))


def test_the_decoder_is_all_that_the_graphic_model_adds():
    graphic = shapes(tiny(graphic=True))
    assert graphic["params"].pop("decoder")
    assert graphic == shapes(tiny())


def test_reading_never_runs_the_decoder(variables, images):
    without = {**variables, "params": {name: x for name, x in variables["params"].items() if name != "decoder"}}
    # It would miss the decoder's parameters.
    assert lowered(tiny(graphic=True), without, images) == lowered(tiny(), without, images)


def test_drawing_trains_decoder_and_backbone_and_reading_the_rest(variables, images):
    by_drawing, (drawing, _) = learn(learner(), variables, images, method="draw")
    assert (drawing.shape, drawing.dtype) == ((4, 24, 94), jnp.float32)
    by_reading, _ = learn(learner(), variables, images)
    assert is_zero(by_reading["decoder"])
    assert is_zero(by_drawing["classifier"])
    for name in ("conv1", "block1", "block2", "block3", "conv2", "conv3"):
        assert not is_zero(by_drawing[name])
    assert not any(is_zero(part["kernel"]) for part in by_drawing["decoder"].values())


def test_a_model_without_decoder_refuses_to_draw(variables, images):
    with pytest.raises(ValueError, match=r"set model\.graphic=True"):
        tiny().apply(variables, images, jnp.full(4, FULL), train=False, method="draw")


def test_the_decoder_equals_transposed_convolutions_by_hand():
    features = np.random.default_rng(0).normal(size=(2, 4, 18, 3))
    decoder = DrawingHead(width=1 / 64)
    variables = random_variables(decoder, features)
    params = variables["params"]
    x = features
    for number, (_, (rows, columns), (down, across), padding) in enumerate(LAYERS, start=1):
        kernel, bias = params[f"deconv{number}"]["kernel"], params[f"deconv{number}"]["bias"]
        height, width = x.shape[1:3]
        full = np.zeros((2, (height - 1) * down + rows, (width - 1) * across + columns, kernel.shape[3]))
        for row in range(height):  # each input spreads its kernel, turned around as JAX keeps it, over the output
            for column in range(width):
                spread = np.einsum("bc,ijcd->bijd", x[:, row, column], kernel[::-1, ::-1])
                full[:, row * down : row * down + rows, column * across : column * across + columns] += spread
        x = np.maximum(full[:, padding : full.shape[1] - padding, padding : full.shape[2] - padding] + bias, 0)
    expected = x @ params["drawing"]["kernel"][0, 0] + params["drawing"]["bias"]
    np.testing.assert_allclose(jax.jit(decoder.apply)(variables, features), expected[..., 0], atol=1e-5)


@pytest.mark.skipif(
    not (WEIGHTS.is_file() and PLATES.is_file()),
    reason="RECOG_REAL_DATA names no folder with lprnet_pytorch_weights/ and plates_cn/",
)
def test_the_ports_trained_weights_read_what_they_read_there():
    rows = [line.split("\t") for line in PLATES.read_text(encoding="utf-8").splitlines()]
    pixels = np.stack([decode((PLATES.parent / name).read_bytes(), 3) for name, _ in rows])
    assert pixels.shape == (397, 24, FULL, 3)
    variables = lprnet_pytorch.convert(read_state_dict(WEIGHTS))
    frames = read(LPRNet(LPRNetConfig(), CHINESE_PLATES.classes), variables, pixels.astype(np.float32) / 127.5 - 1)
    found = best_path(frames.logits, frames.lengths, blank_id=CHINESE_PLATES.blank_id)._asdict()
    readings = TextCodec(CHINESE_PLATES).readings(found)
    exact = sum(reading.text == text for reading, (_, text) in zip(readings, rows, strict=True))
    assert abs(exact - 358) <= 1  # as the port's own code at batch size one, up to a plate on the edge
