"""EfficientNet-Lite: parameters as published, sizes, and scaling."""

import jax
import jax.numpy as jnp
import pytest

from recog.codecs import ClassCodec
from recog.evaluation.cost import count_parameters
from recog.models.classifier import Classifier, ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS, round_channels

PUBLISHED = {"lite0": 4_652_008, "lite1": 5_416_680, "lite2": 6_092_072, "lite3": 8_197_096, "lite4": 13_006_568}
"""Parameters with 1000 classes."""


@pytest.mark.parametrize(("variant", "side"), [("lite0", 7), ("lite2", 9)])
def test_parameters_and_features_are_those_published(variant, side):
    size = VARIANTS[variant].size
    model = Classifier(ClassifierConfig(backbone=f"efficientnet_{variant}"), classes=1000)

    def run(images, widths):
        _, state = model.init_with_output(
            jax.random.key(0), images, widths, train=False, capture_intermediates=True, mutable=True
        )
        return state

    state = jax.eval_shape(run, jnp.zeros((2, size, size, 3)), jnp.full(2, size))
    assert count_parameters(state) == PUBLISHED[variant]
    assert state["intermediates"]["backbone"]["__call__"][0].shape == (2, side, side, 1280)


@pytest.mark.parametrize("variant", PUBLISHED)
def test_stages_hold_the_published_numbers_of_parameters(variant):
    count, channels = 3 * 3 * 3 * 32 + 2 * 32, 32
    for stage in VARIANTS[variant].stages:
        for _ in range(stage.blocks):
            inner = channels * stage.expansion
            count += (channels * inner + 2 * inner) * (stage.expansion > 1)
            count += (stage.kernel**2 + 2) * inner + (inner + 2) * stage.channels
            channels = stage.channels
    assert count + (channels + 2) * 1280 + 1281 * 1000 == PUBLISHED[variant]


def test_channels_are_multiples_of_eight_within_ten_percent():
    assert [round_channels(x) for x in (1, 17.6, 26.4, 28, 44, 91.2, 128.8)] == [8, 16, 24, 32, 48, 88, 128]
    assert round_channels(11.9) == 16  # 8 would be a third less


def test_the_classifier_has_no_other_widths():
    config = ClassifierConfig(backbone="efficientnet_lite0", width=0.5)
    with pytest.raises(ValueError, match=r"model\.width=0\.5.*efficientnet_lite0"):
        config.check()
    ClassifierConfig(backbone="efficientnet_lite0").check()


def test_unknown_backbones_are_refused():
    with pytest.raises(ValueError, match=r"efficientnet_b0.*efficientnet_lite2"):
        ClassifierConfig(backbone="efficientnet_b0").check()
    assert ClassifierConfig().build(ClassCodec(("a", "b"))).classes == 2
