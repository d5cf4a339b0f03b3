"""A command with several modes takes exactly one, with the flags that belong to it."""

import pytest

from launch.runs.modes import Mode, choose_mode

MODES = {
    "dataset": Mode(required=("source", "data_dir"), optional=("on_bad_sample",)),
    "preview": Mode(optional=("out", "count")),
    "report": Mode(required=("data",), optional=("out", "count", "config")),
}


@pytest.mark.parametrize(
    ("given", "mode"),
    [
        ({"dataset", "source", "data_dir", "on_bad_sample"}, "dataset"),
        ({"dataset", "source", "data_dir"}, "dataset"),
        ({"preview", "out", "count"}, "preview"),
        ({"report", "data", "out", "count", "config"}, "report"),
        ({"preview", "verbosity"}, "preview"),
    ],
)
def test_the_flag_of_a_mode_selects_it(given, mode):
    assert choose_mode(given, MODES, "--a or --b") == mode


def test_a_mode_may_be_named_by_a_flag_that_another_mode_takes_as_well():
    modes = {"data": Mode(), "preview": Mode(optional=("data",))}
    assert choose_mode({"data"}, modes, "--a or --b") == "data"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (set(), r"exactly one of --a or --b$"),
        ({"out", "data"}, r"exactly one of --a or --b$"),
        ({"dataset", "report"}, r"--a or --b, not --dataset and --report$"),
        ({"dataset", "preview", "report"}, r"not --dataset and --preview and --report$"),
        ({"preview", "source"}, "--source goes with --dataset, not with --preview"),
        ({"preview", "config"}, "--config goes with --report, not with --preview"),
        ({"dataset", "source", "data_dir", "config"}, "--config goes with --report, not with --dataset"),
        ({"dataset"}, "--dataset needs --source and --data_dir as well"),
        ({"dataset", "source"}, "--dataset needs --data_dir as well"),
        ({"report"}, "--report needs --data as well"),
    ],
)
def test_no_mode_several_or_wrong_flags_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        choose_mode(given, MODES, "--a or --b")
