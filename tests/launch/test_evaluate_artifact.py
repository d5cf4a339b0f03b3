"""An artifact is measured as the run that it was exported from."""

import json
import re
import shutil
from typing import NamedTuple

import pytest

from launch import evaluate as command
from launch.runs.evaluating import evaluate
from launch.runs.evaluating_artifact import evaluate_artifact
from recog.cli.decoding import Decoding
from tests.launch.in_process import run_main


def rates(report: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in report.items() if name != "images_per_second"}


class Split(NamedTuple):
    """A file of predictions: what must be equal, and confidences, which may be rounded differently."""

    words: list[str]
    numbers: list[float]


def split(text: str) -> Split:
    confidence = r"\d\.\d{4}$|(?<=\"confidence\": )[-+.e\d]+"
    return Split(re.split(confidence, text, flags=re.M), [float(x) for x in re.findall(confidence, text, re.M)])


@pytest.mark.parametrize(
    "decoding",
    [
        Decoding(),
        Decoding("beam", beam_width=4, pattern=r"\d\d?"),
        Decoding("beam", beam_width=4, nbest=2),
        Decoding("lexicon", lexicon="full:5", nbest=2),
    ],
    ids=lambda how: how.decoder or "best_path",
)
def test_rates_and_readings_equal_those_of_the_run(trained, exported, digits, tmp_path, decoding):
    data = f"folder:{digits}"
    of_run = evaluate(trained.workdir, data, tmp_path / "run", decoding=decoding)
    found = evaluate_artifact(str(exported.folder), data, tmp_path / "artifact", decoding=decoding)
    assert list(found) == list(of_run)
    assert rates(found) == rates(of_run)
    files = {path.name for path in (tmp_path / "run").iterdir()}
    assert {path.name for path in (tmp_path / "artifact").iterdir()} == files
    for name in files - {"report.json", "contact_sheet.png"}:
        ours, theirs = (split((tmp_path / folder / name).read_text()) for folder in ("artifact", "run"))
        assert ours.words == theirs.words
        assert ours.numbers == pytest.approx(theirs.numbers, rel=1e-2, abs=1e-3)


def test_the_last_line_is_the_report_and_files_are_written_on_request_only(exported, digits, tmp_path, capsys):
    folder = shutil.copytree(exported.folder, tmp_path / "artifact")
    before = sorted(tmp_path.rglob("*"))
    run_main(command, f"--artifact={folder}", f"--data=folder:{digits}")
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["count"] == 24
    assert sorted(tmp_path.rglob("*")) == before


def test_bad_samples_are_refused_or_skipped_and_counted(exported, digits, tmp_path):
    folder = shutil.copytree(digits, tmp_path / "digits")
    (folder / "3.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"3\.png"):
        evaluate_artifact(str(exported.folder), f"folder:{folder}")
    report = evaluate_artifact(str(exported.folder), f"folder:{folder}", on_bad_sample="skip")
    assert (report["count"], report["skipped"]) == (23, 1)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "--artifact needs --data as well"),
        (["--data=x", "--views=whole,flip"], r"--views: .*give them to launch\.export"),
        (["--data=x", "--temperature=2"], r"--temperature: .*give them to launch\.export"),
        (["--data=x", "--calibrate"], "--calibrate goes with --workdir, not with --artifact"),
        (["--data=x", "--study=crnn_figure4"], "--study goes with --workdir, not with --artifact"),
        (["--data=x", "--threshold=0.3"], "--threshold goes with --detector, not with --artifact"),
        (["--data=x", "--workdir=y"], "choose exactly one of .*not --workdir and --artifact"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(flags, message):
    with pytest.raises(ValueError, match=message):
        run_main(command, "--artifact=a", *flags)
