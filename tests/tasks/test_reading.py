"""The reading task: what counts, and what a batch's empty rows may not touch."""

import dataclasses

import jax
import numpy as np
import optax
import pytest

from recog.alphabet import DIGITS
from recog.codecs import TextCodec
from recog.ctc import best_path
from recog.metrics import ReadingCounts
from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.tasks.reading import ReadingTask
from tests.batches import text_batch


@pytest.fixture(scope="module")
def setup():
    task = ReadingTask(
        CRNN(CRNNConfig(width=0.05, batch_norm=(), recurrent=RecurrentConfig(layers=1, units=8)), DIGITS.classes),
        TextCodec(DIGITS, 4),
    )
    random = np.random.default_rng(0)
    batch = text_batch(
        random.integers(0, 256, (4, 32, 48, 1), np.uint8),
        widths=[48, 40, 32, 0],
        labels=np.array([[1, 2, 2, 0], [3, 0, 0, 0], [10, 9, 8, 7], [0, 0, 0, 0]], np.int32),
        lengths=np.array([3, 1, 4, 0], np.int32),
        ids=np.array([5, 6, 7, -1], np.int32),
    )
    return task, batch, task.init(jax.random.key(0), batch)


def objective(task, variables, batch):
    def loss(params):
        return task.losses[0].function({**variables, "params": params}, batch, jax.random.key(0))

    return jax.jit(jax.value_and_grad(loss, has_aux=True))(variables["params"])


def test_loss_is_the_mean_of_optax_over_the_samples(setup):
    task, batch, variables = setup
    (value, output), _ = objective(task, variables, batch)
    frames = jax.jit(task.model.apply, static_argnames="train")(
        variables, batch.images / 127.5 - 1, batch.widths, train=False
    )
    logit_padding = (np.arange(frames.logits.shape[1]) >= frames.lengths[:, None]).astype(np.float32)
    label_padding = (np.arange(4) >= batch.targets.lengths[:, None]).astype(np.float32)
    theirs = optax.ctc_loss(frames.logits, logit_padding, batch.targets.labels, label_padding)
    np.testing.assert_allclose(output.sample_losses[:3], theirs[:3], rtol=1e-5)
    np.testing.assert_allclose(value, np.mean(theirs[:3]), rtol=1e-5)


def test_rows_without_a_sample_change_neither_loss_nor_gradient(setup):
    task, batch, variables = setup
    cut = jax.tree.map(lambda x: x[:3], batch)
    (value, output), gradient = objective(task, variables, batch)
    (value_cut, output_cut), gradient_cut = objective(task, variables, cut)
    np.testing.assert_allclose(value, value_cut, rtol=1e-5)
    assert output.sums["accuracy"] == output_cut.sums["accuracy"]
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(gradient_cut), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_predictions_are_the_best_path_of_the_logits_that_come_with_them(setup):
    task, batch, variables = setup
    found = jax.device_get(jax.jit(task.predict)(variables, batch.images, batch.sizes))
    again = best_path(found["logits"], found["logit_lengths"], blank_id=0)
    for name, array in again._asdict().items():
        np.testing.assert_allclose(array, found[name], rtol=1e-6, err_msg=name)
    assert found["logit_lengths"].tolist() == [task.frames(width) for width in (48, 40, 32)] + [0]
    for row, reading in enumerate(task.rows(found)):
        length = int(found["lengths"][row])
        assert reading.text == "".join(str(int(t) - 1) for t in found["tokens"][row, :length])
        assert 0 <= reading.confidence <= 1


def test_another_decoder_takes_the_place_of_the_best_path(setup):
    task, batch, variables = setup

    def silent(logits, lengths):
        found = best_path(logits, lengths)
        return found._replace(tokens=found.tokens * 0, lengths=found.lengths * 0)

    found = jax.jit(dataclasses.replace(task, decoder=silent).predict)(variables, batch.images, batch.sizes)
    assert [reading.text for reading in task.rows(jax.device_get(found))] == [""] * 4


def test_counts_are_those_of_the_texts(setup):
    task, batch, variables = setup
    found = jax.tree.map(lambda x: np.asarray(x)[:3], jax.jit(task.predict)(variables, batch.images, batch.sizes))
    targets = jax.tree.map(lambda x: x[:3], batch.targets)
    texts, labels = [reading.text for reading in task.rows(found)], task.codec.show(targets)
    assert labels == ["011", "2", "9876"]
    assert task.count(found, targets) == ReadingCounts.of(labels, texts)


@pytest.mark.parametrize(("label", "width", "fits"), [("12", 8, True), ("11", 8, True), ("111", 8, False)])
def test_a_label_needs_frames_for_its_tokens_and_between_equal_ones(setup, label, width, fits):
    task, *_ = setup
    assert task.frames(width) == 3
    assert list(task.problems(label, (32, width))) == ([] if fits else ["infeasible"])
