"""Model FLOP utilisation: what a step asks for, and what devices could do."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from launch.runs.config import Config
from launch.runs.costs import count, load_config
from launch.runs.data import shape_of_batch
from launch.runs.states import abstract_state, from_features
from launch.runs.tasks import make_task
from launch.runs.utilization import peak_flops, step_flops, utilization
from recog.models.classifier import ClassifierConfig
from recog.training.freeze import Freeze


def test_a_step_is_three_forward_passes_of_two_operations(config):
    config.data.width, config.data.buckets = 100, ()
    task = make_task(config)
    batch = shape_of_batch(config.data, task.codec)
    assert step_flops(task, abstract_state(config, task), batch) == 2 * 3 * config.data.batch_size * count(config).macs


def test_every_loss_of_a_batch_counts():
    plain, supervised = load_config("lprnet"), load_config("lprnet_graphic")
    plain.data.batch_size = supervised.data.batch_size = 1
    flops = []
    for config in (plain, supervised):
        task = make_task(config)
        flops.append(step_flops(task, abstract_state(config, task), shape_of_batch(config.data, task.codec)))
    assert flops[1] > 1.5 * flops[0], "the drawing's forward and backward pass are work as well"


def test_frozen_layers_below_the_trained_ones_cost_a_forward_pass_alone():
    config = Config(classes=("a", "b"), model=ClassifierConfig(width=1 / 64, backbone="vgg"))
    config.data.height = config.data.width = 16
    config.data.channels, config.data.batch_size = 3, 2
    task = make_task(config)
    batch, state, freeze = shape_of_batch(config.data, task.codec), abstract_state(config, task), Freeze("^backbone/")
    head = 2 * 2 * 8 * 2  # rows, features and classes
    assert step_flops(task, state, batch, freeze) == step_flops(task, state, batch) // 3 + head  # its kernel's gradient
    on_features = batch._replace(images=jax.ShapeDtypeStruct((2, 8), np.float32))
    assert step_flops(from_features(task), state, on_features, freeze) == 2 * head


@pytest.mark.parametrize(
    ("kind", "peak"),
    [
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA A100-SXM4-40GB", 312e12),
        ("TPU v5 lite", 197e12),
        ("TPU v5p", 459e12),
    ],
)
def test_known_devices_have_their_data_sheets_peak(kind, peak):
    assert peak_flops(SimpleNamespace(device_kind=kind)) == peak


def test_other_devices_are_measured_and_share_their_host(config):
    task = make_task(config)
    peak = utilization(task, abstract_state(config, task)).peak
    assert peak == peak_flops(jax.devices("cpu")[0]) > 1e8
