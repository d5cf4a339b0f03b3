"""The benchmark of runs that train together works; how long things take is not tested."""

import pytest

from launch.benchmarks import together
from recog.training.augment import AugmentConfig
from tests.launch.tiny_models import two_convolutions


def test_both_ways_are_measured(config):
    config.data.buckets, config.augment = (64,), AugmentConfig()
    config.model = two_convolutions()
    one, many = together.measure(config, count=2, seconds=0.0)
    assert one.seconds > 0
    assert many.seconds > 0


def test_what_cannot_train_together_is_refused(config):
    config.mesh.fsdp = 2
    with pytest.raises(ValueError, match="cannot train together"):
        together.measure(config, 2, 0.0)
