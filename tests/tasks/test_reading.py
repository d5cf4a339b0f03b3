"""The reading task: what counts, and what a batch's empty rows may not touch."""

import jax
import numpy as np
import optax
import pytest

from recog.alphabet import DIGITS
from recog.batch import Batch
from recog.decoded import texts
from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.tasks.reading import ReadingTask


@pytest.fixture(scope="module")
def setup():
    task = ReadingTask(
        CRNN(CRNNConfig(width=0.05, batch_norm=(), recurrent=RecurrentConfig(layers=1, units=8)), DIGITS.classes),
        DIGITS,
    )
    random = np.random.default_rng(0)
    batch = Batch(
        images=random.integers(0, 256, (4, 32, 48, 1), np.uint8),
        widths=np.array([48, 40, 32, 0], np.int32),
        labels=np.array([[1, 2, 2, 0], [3, 0, 0, 0], [10, 9, 8, 7], [0, 0, 0, 0]], np.int32),
        label_lengths=np.array([3, 1, 4, 0], np.int32),
        ids=np.array([5, 6, 7, -1], np.int32),
        mask=np.array([True, True, True, False]),
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
    label_padding = (np.arange(4) >= batch.label_lengths[:, None]).astype(np.float32)
    theirs = optax.ctc_loss(frames.logits, logit_padding, batch.labels, label_padding)
    np.testing.assert_allclose(output.sample_losses[:3], theirs[:3], rtol=1e-5)
    np.testing.assert_allclose(value, np.mean(theirs[:3]), rtol=1e-5)


def test_rows_without_a_sample_change_neither_loss_nor_gradient(setup):
    task, batch, variables = setup
    cut = Batch(*(x[:3] for x in batch))
    (value, output), gradient = objective(task, variables, batch)
    (value_cut, output_cut), gradient_cut = objective(task, variables, cut)
    np.testing.assert_allclose(value, value_cut, rtol=1e-5)
    assert output.sums["accuracy"] == output_cut.sums["accuracy"]
    for a, b in zip(jax.tree.leaves(gradient), jax.tree.leaves(gradient_cut), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)


def test_read_gives_texts_with_confidences(setup):
    task, batch, variables = setup
    read = jax.jit(task.read)(variables, batch.images, batch.widths)
    for row, reading in enumerate(texts(task.alphabet, read)):
        length = int(read.lengths[row])
        assert reading.text == "".join(str(int(t) - 1) for t in read.tokens[row, :length])
        assert 0 <= reading.confidence <= 1
