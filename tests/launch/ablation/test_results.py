"""Figures from run folders, means, the best, tables and pictures."""

import csv
import dataclasses
import io
import json
import math
from typing import Any

import cv2
import numpy as np
import pytest
from scipy import stats

from launch.ablation.figure import write_figure
from launch.ablation.grid import make_cells, parse_sweep
from launch.ablation.outcomes import DIVERGED, FAILED, FINISHED, WAITING, Outcome
from launch.ablation.results import Result, Row, describe_best, find_best, load_result, make_rows
from launch.ablation.tables import comma_separated, duration, latex, long_table, markdown, square_table
from launch.runs.costs import Cost, load_config
from recog.codecs import BoxCodec
from recog.metrics import BoxCounts, RateStyle, ReadingCounts
from recog.models.config import ModelConfig

best_of: Any = find_best
ACCURACY = ReadingCounts.style
CONFIG = load_config("quickstart")
CONFIG.data.batch_size = 8

COST = Cost(32, 220, 1, 27, 1_234_567, 89_100_000)
LINES = [
    {"step": 10, "train/ctc_loss": 3.0, "train/image_loss": 1.0, "train/images_per_second": 100.0},
    {"step": 10, "validation/accuracy": 0.5},
    {"step": 30, "train/ctc_loss": 1.0, "train/image_loss": 0.5, "train/images_per_second": 200.0},
    {"step": 30, "validation/accuracy": 0.75},
]


def write_lines(folder, lines):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_figures_of_a_run(tmp_path):
    write_lines(tmp_path, LINES)
    found = load_result(tmp_path, CONFIG)
    assert found == Result(rate=0.75, loss=1.5, images_per_second=150.0, seconds=10 * 8 / 100 + 20 * 8 / 200)


def test_cells_that_trained_together_share_the_time(tmp_path):
    write_lines(tmp_path, [line | ({"train/together": 4} if "train/ctc_loss" in line else {}) for line in LINES])
    found = load_result(tmp_path, CONFIG)
    assert found.images_per_second == 600.0
    assert found.seconds == pytest.approx((10 * 8 / 100 + 20 * 8 / 200) / 4)


class Detector(ModelConfig):
    """Stands for the configuration of any detector."""

    labels = BoxCodec


def test_a_detector_is_ranked_by_its_average_precision(tmp_path):
    config = dataclasses.replace(CONFIG, model=Detector())
    write_lines(tmp_path, LINES)  # of a reader
    with pytest.raises(ValueError, match="is damaged"):
        load_result(tmp_path, config)
    detected = {"validation/ap": 0.25, "validation/ap_50": 0.5, "validation/recall_50": 0.75}
    write_lines(tmp_path, [*LINES[::2], {"step": 30, **detected}])
    assert load_result(tmp_path, config).rate == 0.25


def row(*labels, accuracies=(), status=FINISHED):
    results = {str(seed): Result(value, 0.125, 50.0, 3600.0) for seed, value in enumerate(accuracies)}
    outcomes = {seed: Outcome(FINISHED) for seed in results}
    if status != FINISHED:
        outcomes[str(len(results) + 1)] = Outcome(status)
    return Row(labels, COST, results, outcomes)


ROWS = [
    row("1", "128", accuracies=[0.80, 0.82, 0.81]),
    row("1", "256", accuracies=[0.90, 0.93, 0.91]),
    row("2", "128", accuracies=[0.91, 0.93, 0.93]),
    row("2", "256", accuracies=[0.7], status=DIVERGED),
]
AXES = ["layers", "units"]


def test_rows_of_a_grid(tmp_path):
    config = load_config("quickstart")
    cells = make_cells(config, [parse_sweep("model.recurrent.units=8,16", config)], seeds=2)
    folders = [tmp_path / cell.name for cell in cells]
    write_lines(folders[0], LINES)
    outcomes = [Outcome(FINISHED), Outcome(FAILED, "x"), Outcome(WAITING), Outcome(WAITING)]
    found = make_rows(cells, folders, outcomes, {("8",): COST, ("16",): COST})
    assert [r.labels for r in found] == [("8",), ("16",)]
    assert found[0].rate == pytest.approx((0.75, math.nan), nan_ok=True)
    assert found[1].rate is None
    assert best_of(found).row is found[0]


def test_best_and_whether_it_may_be_chance():
    best = best_of(ROWS)
    assert best.row is ROWS[2]
    assert [rival.row for rival in best.rivals] == [ROWS[1], ROWS[0], ROWS[3]]
    others: Any = ([0.90, 0.93, 0.91], [0.80, 0.82, 0.81])
    raw = [stats.ttest_rel([0.91, 0.93, 0.93], other)[1] for other in others]
    assert [rival.comparison.p for rival in best.rivals[:2]] == pytest.approx(raw)
    between = stats.ttest_rel(*others)[1]
    assert raw[1] < between < raw[0]
    assert [rival.p for rival in best.rivals[:2]] == pytest.approx([max(raw[0], 2 * between), 3 * raw[1]])
    assert math.isnan(best.rivals[2].p), "one seed in common tells nothing"
    first, second, third = describe_best(AXES, best, ACCURACY)
    assert first == "Best: layers 2, units 128, 92.33 %."
    assert second.startswith(
        "Next: layers 1, units 256, 1.00 points below (95 % interval of this difference -1.48 to 3.48; adjusted p ="
    )
    assert third.startswith("The best is significantly better than 1 of the 3 others: paired t-tests over the seeds")


def test_one_seed_tells_no_significance():
    best = best_of([row("1", accuracies=[0.5]), row("2", accuracies=[0.6])])
    assert describe_best(["layers"], best, ACCURACY)[1].startswith(
        "Next: layers 1, 10.00 points below with the one seed"
    )
    assert len(describe_best(["layers"], best, ACCURACY)) == 2


def test_survivors_are_no_fair_sample():
    lucky = row("2", accuracies=[0.99], status=DIVERGED)
    rows = [row("1", accuracies=[0.5, 0.52]), lucky]
    best = best_of(rows)
    assert best.row is rows[0]
    assert not best.rivals[0].beaten
    assert best_of([lucky]).row is lucky, "where nothing better is known"


def test_one_sample_more_with_every_seed_is_no_proof():
    best = best_of([row("1", accuracies=[0.7, 0.4, 0.6]), row("2", accuracies=[0.8, 0.5, 0.7])])
    assert (
        "10.00 points below with each of 3 seeds, so that there is no spread"
        in describe_best(["layers"], best, ACCURACY)[1]
    )
    assert best.rivals[0].beaten is False


def test_what_survives_may_be_above_the_best():
    rows = [row("1", accuracies=[0.5, 0.5, 0.6]), row("2", accuracies=[0.6, 0.7], status=DIVERGED)]
    assert describe_best(["layers"], best_of(rows), ACCURACY)[1].startswith("Next: layers 2, 15.00 points above (95 %")


def test_of_many_alike_the_best_is_seldom_called_better():
    draws, called = np.random.default_rng(0), 0
    for _ in range(200):
        same = [row(str(place), accuracies=draws.normal(0.9, 0.01, 3).tolist()) for place in range(6)]
        called += any(rival.beaten for rival in best_of(same).rivals)
    assert called <= 12, "5 % of 200, and some by chance; 16 if p was adjusted for comparisons with the best alone"


def test_a_log_that_lacks_its_figures_is_named(tmp_path):
    write_lines(tmp_path, LINES[:1])
    with pytest.raises(ValueError, match="is damaged: remove the folder"):
        load_result(tmp_path, CONFIG)


def test_nothing_in_common():
    rows = [row("1", accuracies=[0.5, 0.6]), row("2", status=WAITING)]
    other = Row(("2",), COST, {"7": rows[0].results["0"]}, {"7": Outcome(FINISHED)})
    assert "no finished seed in common" in describe_best(["layers"], best_of([rows[0], other]), ACCURACY)[1]


def test_nothing_has_finished():
    rows = [row("1", status=WAITING), row("2", status=FAILED)]
    assert best_of(rows) is None
    table = long_table(["layers"], rows, None, ACCURACY)
    assert [line[1] for line in table.lines] == ["1 waiting", "1 failed"]
    assert "1 waiting" in markdown(square_table(["layers"], rows, None, ACCURACY))
    assert comma_separated(["layers"], rows, None, "accuracy").count("\n") == 3


def test_markdown():
    text = markdown(long_table(AXES, ROWS, best_of(ROWS), ACCURACY)).splitlines()
    assert text[0] == "| layers | units | accuracy % | loss | parameters | MACs | images/s | training |"
    half = 100 * stats.t.ppf(0.975, 2) * np.std([0.91, 0.93, 0.93], ddof=1) / math.sqrt(3)
    assert text[4] == (f"| 2 | 128 | **92.33 ± {half:.2f}** | 0.1250 ± 0.0000 | 1,234,567 | 89.1 M | 50.0 | 60 min |")
    assert "| 70.00, 1 diverged |" in text[5]


def test_layout_of_the_patent():
    text = markdown(square_table(AXES, ROWS, best_of(ROWS), ACCURACY)).splitlines()
    assert text[0] == r"| layers \ units | 128 | 256 |"
    assert text[2:] == ["| 1 | 81.00/0.1250 | 91.33/0.1250 |", "| 2 | **92.33/0.1250** | 70.00/0.1250, 1 diverged |"]


def test_latex_escapes_what_it_must():
    text = latex(long_table(["learning_rate"], [row("50%", accuracies=[0.5, 0.6])], None, ACCURACY))
    assert r"folder:\$A/\{b\}\^{}\~{}\textbackslash{}" in latex(
        long_table(["data"], [row("folder:$A/{b}^~\\")], None, ACCURACY)
    )
    assert "| a\\|b |" in markdown(long_table(["data"], [row("a|b")], None, ACCURACY))
    assert "| 0.5\\*\\$A + 0.5\\*\\$B |" in markdown(
        square_table(["data", "data"], [row("1", "0.5*$A + 0.5*$B")], None, ACCURACY)
    )
    assert r"learning\_rate & accuracy \%" in text
    assert r"50\% & 55.00 $\pm$ 63.53 &" in text
    assert text.count(r"\\") == 2
    assert r"\begin{tabular}{lrrrrrr}" in text


def test_classifiers_have_a_column_for_the_clipped_log_loss(tmp_path):
    config = load_config("quickstart")
    cells = make_cells(config, [parse_sweep("model.recurrent.units=8,16", config)], seeds=1, folds=2)
    folders = [tmp_path / cell.name for cell in cells]
    for folder, loss in zip(folders, (0.02, 0.04, 0.5, 0.5), strict=True):
        write_lines(folder, [*LINES[:3], LINES[3] | {"validation/log_loss_clipped": loss}])
    rows = make_rows(cells, folders, [Outcome(FINISHED)] * 4, {("8",): COST, ("16",): COST})
    assert list(rows[0].results) == ["0/0", "1/0"]
    table = markdown(long_table(["units"], rows, best_of(rows), ACCURACY))
    assert table.startswith("| units | accuracy % | log loss clipped | loss |")
    assert "| 0.0300 ± 0.1271 |" in table
    found = list(csv.DictReader(io.StringIO(comma_separated(["units"], rows, best_of(rows), "accuracy"))))
    assert [float(line["log_loss_clipped"]) for line in found] == pytest.approx([0.03, 0.5])
    assert found[0]["accuracies"] == "0/0:0.75 1/0:0.75"
    unknown = long_table(["units"], [row("8", accuracies=[0.5])], None, ACCURACY)
    assert "log loss clipped" not in unknown.titles


def test_numbers_for_programs():
    found = list(csv.DictReader(io.StringIO(comma_separated(AXES, ROWS, best_of(ROWS), "accuracy"))))
    assert float(found[2]["accuracy"]) == pytest.approx(0.9233333)
    assert float(found[0]["p_best_against_it"]) == pytest.approx(best_of(ROWS).rivals[1].p)
    assert found[2]["p_best_against_it"] == found[3]["accuracy_half_width"] == ""
    assert (found[3]["finished"], found[3]["runs"]) == ("1", "2")
    assert found[1]["accuracies"] == "0:0.9 1:0.93 2:0.91"


def test_tables_of_detectors_name_their_rate():
    best, style = best_of(ROWS), BoxCounts.style
    assert "| units | AP % | loss |" in markdown(long_table(AXES, ROWS, best, style))
    assert "| AP/loss |" in markdown(square_table(["layers"], [row("1", accuracies=[0.5])], None, style))
    found = list(csv.DictReader(io.StringIO(comma_separated(AXES, ROWS, best, "ap"))))
    assert float(found[2]["ap"]) == pytest.approx(0.9233333)
    assert found[1]["ap_of_each_seed"] == "0:0.9 1:0.93 2:0.91"
    assert not any("accurac" in name for name in found[0])


def test_a_rate_that_is_no_share_is_not_shown_in_per_cent():
    style, rows = RateStyle("score", "score", "log odds", percent=False), [row("1", accuracies=[2.5, 3.5])]
    rows.append(row("2", accuracies=[-1.0, 0.5]))
    best = best_of(rows)
    table, square = (markdown(make(["layers"], rows, best, style)) for make in (long_table, square_table))
    assert table.startswith("| layers | score | loss |")
    assert "**3.0000 ± 6.3531**" in table
    assert "score/loss" in square
    assert "**3.0000/0.1250**" in square
    sentences = describe_best(["layers"], best, style)
    assert sentences[0] == "Best: layers 1, 3.0000."
    assert sentences[1].startswith("Next: layers 2, 3.2500 below (95 % interval of this difference 0.0734 to 6.4266;")
    assert "%" not in table + square + sentences[0]


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0 s"), (99, "99 s"), (101, "2 min"), (7200, "2.0 h")])
def test_durations(seconds, shown):
    assert duration(seconds) == shown


@pytest.mark.parametrize(
    ("axes", "rows"),
    [
        (["units"], [row("8", accuracies=[0.5, 0.7]), row("16", status=WAITING)]),
        (["units"], [row("8", status=WAITING)]),
        (AXES, ROWS),
        (AXES, [row("1", "8", accuracies=[0.0])]),
        (["$x_2/a$b_1_2", "units"], [row("0.5*folder:$DATA_V_2/a + 0.5*folder:$OTHER_1_2/b", "8", accuracies=[0.5])]),
        ([*AXES, "stn"], [row(*r.labels, stn, accuracies=[0.5]) for r in ROWS for stn in ("on", "off")]),
    ],
)
def test_pictures(tmp_path, axes, rows):
    write_figure(tmp_path / "table.png", axes, rows, best_of(rows), ACCURACY)
    empty = [r._replace(results={}) for r in rows]
    write_figure(tmp_path / "empty.png", axes, empty, None, ACCURACY)
    image, without = (cv2.imread(str(tmp_path / name)) for name in ("table.png", "empty.png"))
    assert image is not None
    assert without is not None
    drawn = any(r.results for r in rows)
    assert (image.shape != without.shape or (image != without).any()) == drawn
