"""Every study has the cells of its table, and they can be trained."""

import sys

import jax
import pytest
from absl import flags
from ml_collections import config_flags
from ml_collections.config_flags import config_path

from launch.ablation.command import with_study
from launch.ablation.grid import check_axes, make_cells
from launch.ablation.study import load_study, study_names
from launch.runs.assembly import trainable
from launch.runs.config import Config
from launch.runs.costs import load_config
from launch.runs.data import shape_of_batch
from launch.runs.states import abstract_state, advance

CELLS = {
    "graphic_supervision": 2,
    "patent_table5": 12,
    "patent_table5_small": 12,
    "patent_table6": 3,
    "price_table1": 4,
    "price_table2": 4,
    "stn": 2,
}


def test_all_are_here():
    assert study_names() == sorted(CELLS)


def small(config: Config) -> None:
    """Gives the model few channels, so that it is traced quickly."""
    config.model.width = 0.05
    config.data.batch_size = 2


@pytest.mark.parametrize("name", CELLS)
def test_every_cell_can_be_trained(name):
    study = load_study(name)
    config = load_config(study.config)
    for path, value in study.settings.items():
        config_path.set_value(path, config, value)
    small(config)
    check_axes(config, study.axes)
    cells = make_cells(config, study.axes, seeds=1)
    assert len(cells) == CELLS[name]
    for cell in cells if len(cells) < 5 else (cells[0], cells[-1]):
        task = trainable(cell.config)
        step = advance(cell.config, task)
        batch = shape_of_batch(cell.config.data, task.codec)
        _, report = jax.eval_shape(step, abstract_state(cell.config, task), batch)
        assert "samples" in report.sums


def test_a_study_brings_its_configuration_and_flags_change_it(monkeypatch):
    arguments = with_study(["--study=price_table1", "--config.model.width=0.5", "--workdir=x"])
    assert arguments[0].startswith("--config=")
    assert arguments[0].endswith("launch/configs/price_tags.py")
    ours = ["ablate", *(text for text in arguments if text.startswith("--config"))]
    monkeypatch.setattr(sys, "argv", ours)  # where config_flags looks for fields
    values = flags.FlagValues()
    config_flags.DEFINE_config_file("config", None, flag_values=values)
    values(ours)
    model = values.config.model
    assert (model.structure, model.eta_rate, model.width) == ("whole", 0.0, 0.5)


@pytest.mark.parametrize("arguments", [["--workdir=x"], ["--config=mine.py", "--study=stn"]])
def test_a_named_configuration_stays(arguments):
    assert with_study(arguments) == arguments


def test_a_studys_settings_go_with_any_configuration():
    found = with_study(["--workdir=x", "--study=price_table2", "--config=mine.py", "--config.model.eta=1"])
    assert found == [
        *("--config=mine.py", "--config.model.eta_rate=0.0", "--study=price_table2", "--workdir=x"),
        "--config.model.eta=1",
    ]


def test_an_unknown_study_is_named():
    with pytest.raises(ValueError, match=r"--study=table5: choose among .*patent_table5"):
        with_study(["--study=table5"])
