"""EfficientNet-Lite: parameters as published, sizes, and scaling."""

import jax
import jax.numpy as jnp
import pytest

from recog.codecs import ClassCodec
from recog.evaluation.cost import count_parameters
from recog.models.classifier import Classifier, ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS, EfficientNetLite, round_channels
from tests.variables import abstract_variables


@pytest.mark.parametrize(
    ("variant", "parameters"),
    [("lite0", 4_652_008), ("lite1", 5_416_680), ("lite2", 6_092_072), ("lite3", 8_197_096), ("lite4", 13_006_568)],
)
def test_parameters_with_1000_classes_are_those_published(variant, parameters):
    size = VARIANTS[variant].size
    model = Classifier(ClassifierConfig(backbone=f"efficientnet_{variant}"), classes=1000)
    variables = abstract_variables(model, jnp.zeros((1, size, size, 3)), jnp.array([size]), train=False)
    assert count_parameters(variables) == parameters


@pytest.mark.parametrize(("size", "features"), [((224, 224), (7, 7)), ((260, 260), (9, 9)), ((33, 64), (2, 2))])
def test_features_have_a_thirty_second_of_the_resolution(size, features):
    def run(images):
        backbone, live = EfficientNetLite(VARIANTS["lite0"]), jnp.ones((2, 1), bool)
        return backbone.init_with_output(jax.random.key(0), images, live, train=False)[0]

    assert jax.eval_shape(run, jnp.zeros((2, *size, 3))).shape == (2, *features, 1280)


def test_channels_are_multiples_of_eight_within_ten_percent():
    assert [round_channels(x) for x in (1, 17.6, 26.4, 28, 44, 91.2, 128.8)] == [8, 16, 24, 32, 48, 88, 128]
    assert round_channels(11.9) == 16  # 8 would be a third less


def test_the_classifier_has_no_other_widths():
    config = ClassifierConfig(backbone="efficientnet_lite0", width=0.5)
    with pytest.raises(ValueError, match=r"model\.width=0\.5.*efficientnet_lite0"):
        config.check()
    ClassifierConfig(backbone="efficientnet_lite0").check()


def test_unknown_backbones_are_refused():
    with pytest.raises(ValueError, match="efficientnet_b0.*efficientnet_lite2"):
        ClassifierConfig(backbone="efficientnet_b0").check()
    assert ClassifierConfig().build(ClassCodec(("a", "b"))).classes == 2
