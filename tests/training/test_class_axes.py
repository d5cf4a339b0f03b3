"""Arrays over classes, matched by class name between two models."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.models.attention import AttentionDecoder
from recog.models.lprnet import LPRNet, LPRNetConfig
from recog.models.yolo import YOLO, YOLOConfig
from recog.training.class_axes import ClassAxis, MatchedClasses, class_axes
from recog.training.state import TrainState
from recog.training.transfer import named_arrays, start_from, transfer
from tests.variables import abstract_variables, random_like, random_variables

OLD = ("", "a", "b", "c")
REORDERED = ("c", "a", "b", "")
EXTENDED = ("x", "c", "y", "a", "b", "")
NEW = [0, 2]


def ids(names, of=OLD):
    """Class ids in ``names`` of the classes of ``of``, in its order."""
    return [names.index(name) for name in of]


def started(build, args, ours, theirs=OLD, **options):
    """Variables of a trained model over ``theirs``, and of another over ``ours`` that starts from them."""
    shapes, extended = (abstract_variables(build(len(ours) + more), *args, **options) for more in (0, 1))
    trained = random_variables(build(len(theirs)), *args, **options)
    matched = MatchedClasses(ours, theirs, class_axes(named_arrays(shapes), named_arrays(extended), len(ours)))
    fresh = jax.tree.map(jnp.asarray, random_like(shapes, seed=1))
    result = transfer(fresh, trained, matched)
    assert result.anew == []
    state = TrainState(jnp.zeros((), jnp.int32), fresh.pop("params"), fresh, ())
    return trained, start_from(state, result.taken).variables


@pytest.fixture
def images():
    return np.random.default_rng(0).uniform(-1, 1, (2, 24, 94, 3)).astype(np.float32), np.array([94, 94])


@pytest.mark.parametrize("context", ["sample", "batch"])
def test_lprnet_reads_the_same_classes_in_another_order(images, context):
    build = functools.partial(LPRNet, LPRNetConfig(width=0.05, context=context))
    trained, ours = started(build, images, REORDERED, train=False)
    apply = jax.jit(functools.partial(build(len(OLD)).apply, train=False))
    logits, reordered = apply(trained, *images).logits, apply(ours, *images).logits
    np.testing.assert_allclose(reordered[..., ids(REORDERED)], logits, atol=1e-5)
    assert np.std(logits) > 1e-3


def test_lprnet_keeps_the_weights_between_old_classes(images):
    build = functools.partial(LPRNet, LPRNetConfig(width=0.05))
    trained, ours = started(build, images, EXTENDED, train=False)
    theirs, ours = named_arrays(trained), named_arrays(ours)
    kept = ids(EXTENDED)
    over_classes = [path for path in theirs if path.split("/")[1] == "conv3"]
    assert {path.rsplit("/", 1)[1] for path in over_classes} >= {"kernel", "scale", "mean", "var"}
    for path in over_classes:
        np.testing.assert_array_equal(ours[path][..., kept], theirs[path], err_msg=path)
        assert not np.isin(ours[path][..., NEW], theirs[path]).any(), path
    kernel, old = ours["params/classifier/kernel"], theirs["params/classifier/kernel"]
    others = old.shape[2] - len(OLD)
    np.testing.assert_array_equal(kernel[:, :, :others][..., kept], old[:, :, :others])
    np.testing.assert_array_equal(kernel[:, :, others:][:, :, kept][..., kept], old[:, :, others:])
    assert not np.isin(kernel[..., NEW][:, :, :others], old).any()
    assert not kernel[:, :, others:][:, :, NEW][..., kept].any()  # new classes add nothing to old ones


@pytest.mark.parametrize("names", [REORDERED, EXTENDED])
def test_attention_continues_from_old_tokens_as_before(names):
    features = np.random.default_rng(0).normal(size=(2, 5, 3)).astype(np.float32)
    lengths, tokens = np.array([5, 4]), np.array([[1, 3, 2], [2, 2, 1]])

    def decoder(classes, blank_id=0):
        return AttentionDecoder(classes, units=4, blank_id=blank_id)

    trained, ours = started(decoder, (features, lengths, tokens), names)
    logits = np.asarray(decoder(len(OLD)).apply(trained, features, lengths, tokens))
    new_tokens = np.array(ids(names))[tokens]
    found = np.asarray(decoder(len(names), names.index("")).apply(ours, features, lengths, new_tokens))
    np.testing.assert_allclose(found[..., ids(names)], logits, atol=1e-5)


def test_a_detector_finds_boxes_and_old_classes_as_before():
    images, widths = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32), np.array([32])
    build = functools.partial(YOLO, YOLOConfig(width=0.03, blocks=(0, 0, 0, 0, 0)))
    old, new = ("car", "plate"), ("plate", "sign", "car")
    trained, ours = started(build, (images, widths), new, old, train=False)
    theirs, found = (
        jax.jit(functools.partial(build(len(names)).apply, train=False))(variables, images, widths)
        for names, variables in ((old, trained), (new, ours))
    )
    np.testing.assert_allclose(found.classes[..., ids(new, old)], theirs.classes, atol=1e-5)
    for field in ("boxes", "objectness", "corners"):
        np.testing.assert_allclose(getattr(found, field), getattr(theirs, field), atol=1e-5, err_msg=field)


def test_axes_grow_with_the_classes():
    def shapes(classes):
        sizes = {"linear": (5, classes), "mixed": (7 + classes, classes), "priors": (3 * (5 + classes),), "other": (9,)}
        return {path: jax.ShapeDtypeStruct(size, jnp.float32) for path, size in sizes.items()}

    assert class_axes(shapes(4), shapes(5), 4) == {
        "linear": {1: ClassAxis(1, 0)},
        "mixed": {0: ClassAxis(1, 7), 1: ClassAxis(1, 0)},
        "priors": {0: ClassAxis(3, 5)},
    }


def test_arrays_of_other_sizes_or_without_a_common_class_are_not_taken():
    axes = {"kernel": {1: ClassAxis(1, 0)}}
    matched = MatchedClasses(("a", "b"), ("b", "c", "d"), axes)
    assert (matched.shared, matched.new) == (["b"], ["a"])
    assert matched.entries("kernel", (5, 2), jnp.zeros((5, 3))) is not None
    assert matched.entries("kernel", (5, 2), jnp.zeros((4, 3))) is None
    assert matched.entries("kernel", (5, 2), jnp.zeros((5, 2))) is None
    assert MatchedClasses(("a", "b"), ("c", "d"), axes).entries("kernel", (5, 2), jnp.zeros((5, 2))) is None
