"""The multi-task reader: the paper's shapes, and branches that share all but their decoders."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.multitask import MultiTaskConfig, MultiTaskReader
from recog.ops.recurrent import RecurrentConfig
from tests.variables import abstract_variables, random_variables

BRANCHES = ("integer", "decimal", "no_point")


def reader(branches=BRANCHES, **changes) -> MultiTaskReader:
    config = MultiTaskConfig(width=0.03, recurrent=RecurrentConfig(layers=1, units=4), units=4)
    for name, value in changes.items():
        setattr(config, name, value)
    return MultiTaskReader(config, branches, classes=12, blank_id=0, steps=5)


def inputs(rows=3, height=24, width=40, branches=BRANCHES):
    images = np.random.default_rng(1).normal(size=(rows, height, width, 3)).astype(np.float32)
    labels = {name: jnp.ones((rows, 4), jnp.int32) for name in branches}
    return images, jnp.full(rows, width), labels


def parameters(tree) -> int:
    return sum(x.size for x in jax.tree.leaves(tree))


@pytest.mark.parametrize("backbone", ["vgg", "resnet"])
def test_full_size_has_the_shapes_of_the_paper(backbone):
    config = MultiTaskConfig(backbone=backbone)
    model = MultiTaskReader(config, BRANCHES, classes=12, blank_id=0, steps=8)
    images, widths, labels = inputs(2, 96, 200)
    shapes = abstract_variables(model, images, widths, labels, train=False)
    kernel = shapes["params"]["encoder"]["layer1"]["kernel"].shape
    assert kernel == (2, 6144, 4 * 256), "12 rows of 512 channels for each of 25 positions"
    sizes = {parameters(shapes["params"][f"decoders_{name}"]) for name in BRANCHES}
    assert len(sizes) == 1, "the same structure"

    def encode(variables):
        return model.apply(variables, images, widths, train=False, method="encode")[0]

    assert jax.eval_shape(encode, shapes).shape == (2, 25, 512)


@pytest.mark.parametrize(("decoder", "slots", "free_slots"), [("attention", 5, 8), ("ctc", 6, 6)])
def test_each_branch_has_its_own_logits_and_reading(decoder, slots, free_slots):
    """CTC: one slot for each of 48 / 8 frames. Attention: 4 label tokens and the end; alone, 7 steps and the end."""
    model = reader(decoder=decoder).copy(steps=7)
    images, widths, labels = inputs(width=48)
    variables = random_variables(model, images, widths, labels, train=False)
    logits: Any = jax.jit(functools.partial(model.apply, train=False))(variables, images, widths, labels)
    free: Any = jax.jit(functools.partial(model.apply, method="score"))(variables, images, widths)
    assert set(logits) == set(free) == set(BRANCHES)
    for name in BRANCHES:
        assert logits[name].shape == (3, slots, 12)
        assert logits[name].dtype == jnp.float32
        assert free[name].logits.shape == (3, free_slots, 12)
        assert free[name].places.shape == (3, free_slots)
        if decoder == "ctc":  # which needs no labels
            np.testing.assert_allclose(free[name].logits, logits[name], rtol=1e-5, atol=1e-6)
    assert not np.allclose(logits["integer"], logits["decimal"])


def test_frames_are_those_of_ctc():
    assert reader(decoder="ctc").frames(200) == 25
    assert reader(decoder="attention").frames(200) is None


@pytest.mark.parametrize(
    ("field", "message"), [("decoder", "choose attention or ctc"), ("backbone", "choose vgg or resnet")]
)
def test_an_unknown_part_is_refused(field, message):
    images, widths, labels = inputs()
    with pytest.raises(ValueError, match=f"model.{field}='lstm': {message}"):
        abstract_variables(reader(**{field: "lstm"}), images, widths, labels, train=False)


def test_pictures_whose_sides_are_no_multiples_of_eight_are_refused():
    images, widths, labels = inputs(height=20)
    with pytest.raises(ValueError, match=r"multiples of 8, got 20x40: set data.height and data.width"):
        abstract_variables(reader(), images, widths, labels, train=False)
