"""The command line becomes a grid, and a study brings its own."""

import pytest
from absl import flags

from launch.ablation.command import make_grid, with_study
from launch.runs.costs import load_config


def values(**changes):
    found = flags.FlagValues()
    settings = {"sweep": [], "study": "", "seeds": 1, "folds": 0, "workdir": "x"} | changes
    for name, value in settings.items():
        flags.DEFINE_string(name, "", "", flag_values=found)
        found[name].value = value
    found.mark_as_parsed()
    return found


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "nothing to vary: name a --sweep=FIELD=VALUE,VALUE, a --study .*--folds"),
        ({"sweep": ["model.layer=1"]}, "LPRNetConfig has no field 'layer'"),
        ({"sweep": ["model.width=a"]}, "cannot read these as values"),
        ({"study": "patent_table5"}, "LPRNetConfig has no field 'recurrent'"),
        ({"sweep": ["data.fold=0,1"]}, "data.fold cannot be an axis: .*--folds"),
        ({"folds": 1}, "folds=1: choose 2 or more"),
    ],
)
def test_impossible_grids_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        make_grid(values(config=load_config("lprnet"), **changes))


def test_axes_of_a_study_and_of_sweeps_are_crossed():
    settings = {"study": "patent_table6", "sweep": ["model.dropout=0.1,0.2"], "seeds": 2}
    grid = make_grid(values(config=load_config("plates_stn_crnn"), **settings))
    assert grid.names[-1] == "dropout"
    assert len(grid.cells) == len({cell.name for cell in grid.cells}) == 3 * 2 * 2


def test_a_cross_validation_has_a_run_for_each_fold_and_needs_no_axis():
    config = load_config("captcha")
    assert config.data.holdout
    grid = make_grid(values(config=config, folds=3, seeds=None))
    assert [(cell.config.data.folds, cell.config.data.fold) for cell in grid.cells] == [(3, 0), (3, 1), (3, 2)]
    assert {cell.config.data.holdout for cell in grid.cells} == {0.0}
    assert [cell.name for cell in grid.cells] == [f"model=CRNN,fold={fold},seed=0" for fold in range(3)]
    swept = make_grid(values(config=config, folds=2, seeds=2, sweep=["model.dropout=0.0,0.5"]))
    assert len({cell.name for cell in swept.cells}) == 2 * 2 * 2
    assert [cell.repetition for cell in swept.cells[:4]] == ["0/0", "0/1", "1/0", "1/1"]
    config.data.fold, config.data.folds = 1, 3
    with pytest.raises(ValueError, match="--folds"):
        make_grid(values(config=config, sweep=["model.dropout=0.0,0.5"]))


@pytest.mark.parametrize("written", [["--study=price_table1"], ["--study", "price_table1"], ["-study", "price_table1"]])
@pytest.mark.parametrize("config", [[], ["--config=mine.py"], ["--config", "mine.py"]])
def test_a_study_brings_its_settings_however_it_is_written(written, config):
    first, *others = with_study([*config, *written, "--seeds=2", "--config.seed=4"])
    assert first.endswith("mine.py" if config else "launch/configs/price_tags.py")
    assert others[-3:] == ["--study=price_table1", "--seeds=2", "--config.seed=4"]
    assert "--config.model.structure=whole" in others[:-3]
    assert with_study(config) == config
