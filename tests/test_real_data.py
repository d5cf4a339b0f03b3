"""Real pictures pass the preflight; skipped where ``RECOG_REAL_DATA`` does not name the folder that holds them."""

import os
import re
from pathlib import Path

import pytest

from launch.configs import captcha, receipts
from launch.runs.data import check, needs, open_data
from launch.runs.tasks import make_task

DATA = os.environ.get("RECOG_REAL_DATA", "")


def has(name: str) -> pytest.MarkDecorator:
    there = (Path(DATA) / name / "labels.tsv").is_file()
    return pytest.mark.skipif(not there, reason=f"RECOG_REAL_DATA names no folder with {name}/")


@has("captcha")
def test_every_captcha_can_be_trained_on_and_the_held_out_part_is_fixed():
    config = captcha.get_config()
    asked = needs(config.data, make_task(config))
    train, held_out = open_data(config)
    found = [check(source, asked, "raise", "captchas").checked for source in (train, held_out)]
    assert [len(part.indices) for part in found] == [700, 124]
    assert not any(part.problems for part in found)
    assert {width for part in found for width in part.widths.tolist()} == {128}
    paths = [source[i].origin for source in (train, held_out) for i in range(len(source))]
    assert len(set(paths)) == 824


@has("receipt_prices")
def test_every_receipt_price_can_be_trained_on_and_no_receipt_is_on_both_sides():
    config = receipts.get_config()
    asked = needs(config.data, make_task(config))
    train, held_out = open_data(config)
    found = [check(source, asked, "raise", "prices").checked for source in (train, held_out)]
    assert [len(part.indices) for part in found] == [4190, 665]
    assert not any(part.problems for part in found)
    origins = [[source[i].origin for i in range(len(source))] for source in (train, held_out)]
    ours, theirs = ({receipt for origin in part for receipt in re.findall(r"(r\d+)_", origin)} for part in origins)
    assert ours
    assert theirs
    assert not ours & theirs
