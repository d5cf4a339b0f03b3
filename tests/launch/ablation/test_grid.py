"""Sweeps are read, checked and crossed."""

import itertools

import pytest
from ml_collections.config_flags import config_path

from launch.ablation.grid import Axis, Level, check_axes, make_cells, named_briefly, parse_sweep
from launch.runs.costs import load_config


@pytest.fixture
def config():
    return load_config("plates_stn_crnn")


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("model.recurrent.layers=1,2,3", [1, 2, 3]),
        ("optimizer.learning_rate=1,0.5,1e-3", [1.0, 0.5, 0.001]),
        ("model.stn=true,False", [True, False]),
        ("optimizer.name=adam,sgd", ["adam", "sgd"]),
        ("data.buckets=(100,),(100,200),()", [(100,), (100, 200), ()]),
        ("data.filters=('otsu',),('median3','otsu')", [("otsu",), ("median3", "otsu")]),
        ("model.recurrent.units=128", [128]),
        ("data.train='plates:seed=1,clutter=0.5','folder:x'", ["plates:seed=1,clutter=0.5", "folder:x"]),
    ],
)
def test_values_have_the_fields_type(config, text, values):
    axis = parse_sweep(text, config)
    (path,) = {path for level in axis.levels for path in level.settings}
    found = [level.settings[path] for level in axis.levels]
    assert found == values
    assert list(map(type, found)) == list(map(type, values))
    assert len({level.label for level in axis.levels}) == len(values)
    check_axes(config, [axis])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "model.recurrent.layer=1,2",
            "model.recurrent.layer: RecurrentConfig has no field 'layer': choose among layers, ",
        ),
        ("modle.dropout=0.1", "Config has no field 'modle': choose among alphabet, data"),
        ("seed.x=1", "int has no field 'x'"),
        ("model.recurrent=1", "model.recurrent is a group of settings: choose among model.recurrent.layers, "),
        ("model.recurrent.layers=1.5,2", "model.recurrent.layers=1.5: the field holds int"),
        ("model.recurrent.layers=two", "cannot read these as values"),
        ("model.recurrent.layers=true", "cannot read these as values"),
        ("model.recurrent.layers=True", "the field holds int"),
        ("model.stn=1", "model.stn='1': the field holds bool"),
        ("data.buckets=100", "data.buckets=100: the field holds"),
        ("data.buckets=('a',)", "data.buckets='a': the field holds int"),
        ("model.recurrent.layers", "write a field and its values"),
        ("model.recurrent.layers=", "write a field and its values"),
    ],
)
def test_what_cannot_be_swept_is_refused(config, text, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        parse_sweep(text, config)


@pytest.mark.parametrize(
    ("sweeps", "message"),
    [
        (["model.recurrent.layers=1,1"], "model.recurrent.layers has 1 more than once"),
        (["seed=1,2"], "--seeds"),
        (["model.fc_layers=1,2", "model.fc_layers=3"], "model.fc_layers is set by two axes"),
    ],
)
def test_axes_that_contradict_each_other(config, sweeps, message):
    axes = [parse_sweep(text, config) for text in sweeps]
    with pytest.raises(ValueError, match=message):
        check_axes(config, axes)


def test_every_combination_with_every_seed(config):
    config.seed = 5
    axes = named_briefly(
        [parse_sweep("model.recurrent.layers=1,2", config), parse_sweep("model.recurrent.units=8,16,32", config)]
    )
    assert [axis.name for axis in axes] == ["layers", "units"]
    cells = make_cells(config, axes, seeds=2)
    expected = itertools.product([1, 2], [8, 16, 32], [5, 6])
    assert [
        (*(config_path.get_value(f"model.recurrent.{name}", c.config) for name in ("layers", "units")), c.config.seed)
        for c in cells
    ] == list(expected)
    assert {cell.config.data.order_seed for cell in cells} == {5}, "all see the same batches"
    assert cells[3].name == "layers=1,units=16,seed=6"
    assert len({cell.name for cell in cells}) == 12
    assert (config.seed, config.data.order_seed, config.model.recurrent.units) == (5, -1, 512), "left as it was"


def test_the_order_of_samples_can_be_swept(config):
    cells = make_cells(config, [parse_sweep("data.order_seed=1,2", config)], seeds=2)
    assert [(cell.config.data.order_seed, cell.config.seed) for cell in cells] == [(1, 0), (1, 1), (2, 0), (2, 1)]


def test_each_cell_starts_from_the_run_of_its_fold_and_seed(config):
    config.init_from, config.seed = "runs/first/fold={fold},seed={seed}", 3
    axes = [parse_sweep("model.recurrent.layers=1,2", config)]
    cells = make_cells(config, axes, seeds=2, folds=2)
    expected = [f"runs/first/fold={fold},seed={seed}" for fold, seed in itertools.product((0, 1), (3, 4))]
    assert [cell.config.init_from for cell in cells] == 2 * expected


def test_axes_whose_last_names_are_the_same_keep_the_path(config):
    axes = [parse_sweep("model.dropout=0.1,0.2", config), parse_sweep("model.transformer.dropout=0.1,0.2", config)]
    assert [axis.name for axis in named_briefly(axes)] == ["model.dropout", "model.transformer.dropout"]


def test_folder_names_hold_no_slashes(config):
    axis = Axis("data", (Level("folder:/a b/c", {"data.train": "folder:/a b/c"}),))
    (cell,) = make_cells(config, [axis], 1)
    assert cell.name.startswith("data=folder__a_b_c-")
    other = Axis("data", (Level("folder:/a_b_c", {"data.train": "folder:/a_b_c"}),))
    assert make_cells(config, [other], 1)[0].name != cell.name
