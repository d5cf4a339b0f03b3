"""Real pictures pass the preflight; skipped where ``RECOG_REAL_DATA`` does not name the folder that holds them."""

import os
from pathlib import Path

import pytest

from launch.build import check, open_data
from launch.configs.captcha import get_config
from launch.task import make_task

DATA = os.environ.get("RECOG_REAL_DATA", "")

pytestmark = pytest.mark.skipif(
    not (Path(DATA) / "captcha" / "labels.tsv").is_file(), reason="RECOG_REAL_DATA names no folder with captcha/"
)


def test_every_captcha_can_be_trained_on_and_the_held_out_part_is_fixed():
    config = get_config()
    task = make_task(config)
    train, held_out = open_data(config)
    found = [check(source, config, task, "captchas").checked for source in (train, held_out)]
    assert [len(part.indices) for part in found] == [700, 124]
    assert not any(part.problems for part in found)
    assert {width for part in found for width in part.widths.tolist()} == {128}
    paths = [source[i].origin for source in (train, held_out) for i in range(len(source))]
    assert len(set(paths)) == 824
