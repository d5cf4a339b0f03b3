"""Settings that cannot be trained are refused before any cell starts."""

import pytest
from ml_collections.config_flags import config_path

from launch.ablation.checks import check_cells, check_trainable
from launch.ablation.grid import Grid, make_cells, parse_sweep
from launch.runs.costs import load_config


def test_a_cell_that_cannot_start_is_named_before_any_does(config, tmp_path):
    def grid(text):
        axes = (parse_sweep(text, config),)
        return Grid(axes, make_cells(config, axes, seeds=1), tmp_path / "grid")

    with pytest.raises(ValueError, match=r"layers=0,seed=0: model.recurrent.layers=0: choose 1 or more"):
        check_cells(grid("model.recurrent.layers=1,0"))
    config.data.train = "folder:/nowhere"
    with pytest.raises(ValueError, match=r"layers=1,seed=0: .*nowhere"):
        check_cells(grid("model.recurrent.layers=1"))
    assert not (tmp_path / "grid").exists()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("data.channels", 2, "data.channels=2: choose 1"),
        ("data.cache_mb", -1, "data.cache_mb=-1: choose 0 or more"),
        ("data.on_bad_sample", "x", "data.on_bad_sample='x': choose raise or skip"),
        ("data.buckets", (200, 100), "give increasing widths"),
        ("data.batch_size", 0, "data.batch_size=0: choose 1 or more"),
        ("data.workers", -1, "data.workers=-1: choose 0 or more"),
        ("train.steps", 0, "train.steps=0: choose 1 or more"),
        ("data.filters", ("blurr",), "blurr"),
    ],
)
def test_impossible_settings_are_refused(config, path, value, message):
    config_path.set_value(path, config, value)
    with pytest.raises(ValueError, match=message):
        check_trainable(config)


def test_eta_is_not_learnt_beside_accumulated_gradients():
    config = load_config("price_tags")
    config.optimizer.accumulation_steps = 2
    with pytest.raises(ValueError, match=r"model.eta_rate looks through a step of a whole batch"):
        check_trainable(config)


def test_cudnn_is_not_asked_for_where_the_workers_will_have_it(config):
    config.model.recurrent.implementation = "cudnn"
    check_trainable(config)
    assert config.model.recurrent.implementation == "cudnn", "left as it was"
