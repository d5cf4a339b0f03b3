"""Cells that train together end as those that train alone."""

import copy
import json
import os
import signal

import jax
import numpy as np
import pytest

from launch.ablation.grid import Axis, Level, make_cells
from launch.ablation.training import can_stack, train_cells
from launch.runs.folder import load_run
from launch.runs.settings import stack_key
from recog.training.preemption import StopRequest
from recog.training.records import Records
from recog.training.writers import load_metrics
from tests.launch.conftest import saved_arrays, tiny_config
from tests.training.events import load_pictures

RATES = Axis(
    "rate",
    (
        Level("slow", {"optimizer.learning_rate": 1e-3, "model.dropout": 0.0}),
        Level("fast", {"optimizer.learning_rate": 3e-3, "model.dropout": 0.4}),
    ),
)


@pytest.fixture(scope="module")
def cells(digits):
    config = tiny_config(str(digits))
    # Of parameters without a gradient (a bias before batch normalisation) Adam would make steps out of rounding errors.
    config.optimizer.name = "sgd"
    return make_cells(config, [RATES], seeds=2)


@pytest.fixture(scope="module")
def together(cells, tmp_path_factory):
    """The folders of four cells that trained in one program."""
    folders = [tmp_path_factory.mktemp("together") / cell.name for cell in cells]
    ended = train_cells(cells, folders, StopRequest())
    assert ended == (True, {})
    return folders


def distance(ours, theirs):
    """Between arrays as one vector; 64-bit, as sums of squares of many."""
    pairs = zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True)
    return sum(np.sum((mine.astype(np.float64) - other) ** 2) for mine, other in pairs) ** 0.5


def assert_same_run(mine, same, others):
    """That two states differ as programs round, and much less than they differ from other runs.

    Array by array no close bound holds: where rounding tips a tie of max pooling, a gradient goes to another pixel. The
    optimizer's momentum holds the last gradients, and shows such a tip by a tenth of its distance to other runs.
    """
    for part, share in (("params", 0.05), ("model_state", 0.05), ("optimizer_states", 0.3)):
        ours, theirs, *strangers = (getattr(state, part) for state in (mine, same, *others))
        assert distance(ours, theirs) <= share * min(distance(ours, other) for other in strangers), part


def test_ends_as_separate_runs_do(cells, together, tmp_path):
    ours = [saved_arrays(cell.config, folder) for cell, folder in zip(cells, together, strict=True)]
    for place, (cell, folder) in enumerate(zip(cells, together, strict=True)):
        alone = tmp_path / cell.name
        assert train_cells([cell], [alone], StopRequest()) == (True, {})
        theirs, step = saved_arrays(cell.config, alone)
        assert step == ours[place][1] == cell.config.train.steps
        assert_same_run(ours[place][0], theirs, [state for state, _ in ours[:place] + ours[place + 1 :]])
        lines, expected_lines = (load_metrics(path / "metrics.jsonl") for path in (folder, alone))
        assert [line["step"] for line in lines] == [line["step"] for line in expected_lines]
        for mine, expected in zip(lines, expected_lines, strict=True):
            for name in ("train/ctc_loss", "train/learning_rate", "train/accuracy", "validation/accuracy"):
                assert mine.get(name, -1.0) == pytest.approx(expected.get(name, -1.0), rel=1e-2)
        assert json.loads((folder / "config.json").read_text()) == json.loads((alone / "config.json").read_text())


def test_each_folder_is_a_run_of_its_own(cells, together):
    read = []
    for cell, folder in zip(cells, together, strict=True):
        run = load_run(folder)
        assert run.config == cell.config
        assert {"curves.png", "samples.json", "codec.json"} <= {path.name for path in folder.iterdir()}
        assert all(
            line["train/together"] == 4 for line in load_metrics(folder / "metrics.jsonl") if "train/mfu" in line
        )
        assert load_pictures(folder) == [], "a grid would write thousands"
        read.append(np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(run.variables["params"])]))
    for one in range(4):
        assert not any(np.array_equal(read[one], read[other]) for other in range(one))


def test_goes_on_where_it_was_stopped(cells, together, tmp_path, monkeypatch):
    folders, pair = [tmp_path / str(number) for number in range(2)], cells[:2]

    def save_then_stop(self, step, state):
        saved(self, step, state)
        monkeypatch.setattr(Records, "save", saved)
        os.kill(os.getpid(), signal.SIGTERM)

    saved = Records.save
    monkeypatch.setattr(Records, "save", save_then_stop)
    with StopRequest() as stop:
        assert not train_cells(pair, folders, stop).finished
    assert train_cells(pair, folders, StopRequest()).finished
    whole = [saved_arrays(cell.config, folder)[0] for cell, folder in zip(cells, together, strict=True)]
    for place, (cell, folder) in enumerate(zip(pair, folders, strict=True)):
        ours, step = saved_arrays(cell.config, folder)
        assert step == cell.config.train.steps
        assert_same_run(ours, whole[place], whole[:place] + whole[place + 1 :])


def test_what_diverges_stops_no_other(digits, tmp_path):
    config = tiny_config(str(digits))
    config.optimizer.name, config.optimizer.warmup_steps, config.augment.noise = "sgd", 0, 0.0
    levels = (Level("sound", {"optimizer.learning_rate": 1e-3}), Level("mad", {"optimizer.learning_rate": 1e30}))
    sound, mad = make_cells(config, [Axis("rate", levels)], seeds=1)
    folders = [tmp_path / cell.name for cell in (sound, mad)]
    ended = train_cells([sound, mad], folders, StopRequest())
    assert ended.finished
    assert list(ended.diverged) == [mad.name]
    assert "not finite at step" in ended.diverged[mad.name]
    assert saved_arrays(sound.config, folders[0])[1] == config.train.steps


def test_what_shares_a_program(cells):
    keys = {stack_key(cell.config) for cell in cells}
    assert len(keys) == 1
    other = copy.deepcopy(cells[0].config)
    other.model.recurrent.units = 9
    assert stack_key(other) not in keys
    assert can_stack(other)
    other.mesh.fsdp = 2
    assert not can_stack(other)
