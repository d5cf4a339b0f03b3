"""What models cost: the published figures, how they are compared, and the table."""

import re
from pathlib import Path

import pytest

from launch import cost
from launch.runs.costs import Cost, config_names, count, count_models, load_config
from launch.runs.published import PUBLISHED, Published, compare, cost_table
from tests.launch.in_process import run_main

LPRNET = Cost(24, 94, 3, 18, 446_976, 144_400_000)


@pytest.fixture(scope="module")
def costs() -> dict[str, Cost]:
    """Costs of all models."""
    return count_models()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_model_of_the_paper_costs_what_the_paper_says(name, costs):
    ours, theirs = costs[name], PUBLISHED[name]
    assert ours.size == "24x94x3"
    assert 2 * ours.macs / 1e9 == pytest.approx(theirs.operations, rel=0.05)
    millions = ours.parameters / 1e6
    assert millions == pytest.approx(theirs.parameters, rel=0.05) or round(millions, 1) == theirs.parameters


def test_graphic_supervision_costs_a_reader_nothing(costs):
    assert count(load_config("lprnet_graphic")) == costs["lprnet"]
    assert costs["lprnet"].parameters == 446_976


@pytest.mark.parametrize(
    ("published", "shown"),
    [
        (Published(0.45, 0.29), "0.45 M, 0.29 G"),
        (Published(0.4, 0.29), "0.4 M, 0.29 G (0.447 M is +12%: the paper's figure is rounded)"),
        (Published(0.45, 0.5), "0.45 M, 0.5 G (0.289 G is -42%: the paper does not give every layer)"),
    ],
)
def test_differences_over_five_percent_are_explained(published, shown):
    assert compare(LPRNET, published) == shown


def test_a_line_for_each_model_under_its_titles():
    lines = cost_table({"lprnet": LPRNET, "mine": LPRNET._replace(frames=None)})
    assert len(lines) == 3
    titles = {title: lines[0].index(title) + len(title) for title in ("input", "frames", "parameters", "MACs")}
    for title, value in {"input": "24x94x3", "frames": "18", "parameters": "446,976", "MACs": "144.4 M"}.items():
        assert lines[1][: titles[title]].endswith(value)
    assert lines[1].endswith("(0.447 M is +12%: the paper's figure is rounded)")
    assert lines[2].endswith("0.289 G")
    assert lines[2][: titles["frames"]].endswith(" -")


def test_the_command_counts_one_configuration_as_its_flags_change_it(capsys):
    run_main(cost, "--config=launch/configs/quickstart.py", "--config.data.width=200")
    _, line = capsys.readouterr().out.splitlines()
    assert line.split()[:4] == ["quickstart", "32x200x1", "51", "449,457"]


def test_the_documentation_tells_what_every_model_costs(costs):
    documents = (Path("README.md"), *Path("docs").glob("*.md"))
    lines = [line.split() for path in documents for line in path.read_text(encoding="utf-8").splitlines()]
    rows = {words[0]: words for words in lines if len(words) > 1 and re.fullmatch(r"\d+x\d+x\d+", words[1])}
    for name, ours in costs.items():
        assert rows[name][1:4] == [ours.size, f"{ours.frames or '-'}", f"{ours.parameters:,}"]
        assert float(rows[name][4].replace(",", "")) == pytest.approx(ours.macs / 1e6, abs=0.06)
    assert "lprnet" in costs
    assert "lprnet_graphic" not in costs
    assert not rows.keys() & (set(config_names()) - costs.keys())


def test_the_padding_of_tiles_is_told_with_its_causes(capsys):
    run_main(cost, "--config=launch/configs/quickstart.py", "--tiles")
    titles, line, first, *_ = capsys.readouterr().out.splitlines()
    assert titles.split() == ["batch", "MACs", "on", "tiles", "padding"]
    assert line.split() == ["quickstart", "32", "1.36", "G", "1.77", "G", "23%"]
    assert first.endswith("1 x (102400x9 times 9x16): 9 summands cost as much as 128")
