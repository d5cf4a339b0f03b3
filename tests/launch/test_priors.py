"""The priors of a source as a flag, from letterboxed boxes."""

import ast

import numpy as np
import pytest

from launch import prepare
from launch.runs.priors import print_priors
from tests.launch.in_process import run_main
from tests.launch.pictures import write_boxes, write_folder


def flag(out: str) -> np.ndarray:
    """Sizes in the last line."""
    name, _, value = out.splitlines()[-1].partition("=")
    assert name == "--config.model.priors"
    return np.array(ast.literal_eval(ast.literal_eval(value)))


def test_priors_are_sizes_of_letterboxed_boxes(tmp_path, capsys):
    found = print_priors(f"boxes:{write_boxes(tmp_path / 'in')}", 3, 80, 180)
    assert flag(capsys.readouterr().out).tolist() == [[40, 14], [40, 20], [80, 20]]
    assert [len(one.sizes) for one in found] == [1, 2, 3]


def test_the_command_prints_a_flag(tmp_path, capsys):
    data = f"boxes:{write_boxes(tmp_path / 'in')}"
    run_main(prepare, "--priors", f"--data={data}", "--count=1", "--height=80", "--width=120")
    out = capsys.readouterr().out
    assert f"{data}: 3 boxes in 3 pictures, letterboxed into 120x80 pixels\n" in out
    assert flag(out).shape == (1, 2)


def test_the_size_may_be_that_of_a_configuration(tmp_path, capsys, config):
    config.data.height, config.data.width = 80, 120
    data = f"boxes:{write_boxes(tmp_path / 'in')}"
    print_priors(data, 3, config=config)
    assert flag(capsys.readouterr().out)[-1].tolist() == [80, 20]
    with pytest.raises(ValueError, match="leave them out, or --config"):
        print_priors(data, 3, 80, config=config)
    config.data.width = 0
    with pytest.raises(ValueError, match="--height and --width, or --config with both"):
        print_priors(data, 3, config=config)
    with pytest.raises(ValueError, match="--height and --width, or --config with both"):
        print_priors(data, 3, 80)


def test_samples_that_cannot_be_read(tmp_path, capsys):
    folder = write_boxes(tmp_path / "in")
    (folder / "1.png").write_bytes(b"text")
    data = f"boxes:{folder}"
    with pytest.raises(ValueError, match=r"boxes\.tsv:3 \(1\.png\): not a picture.*--on_bad_sample=skip"):
        print_priors(data, 2, 80, 120)
    print_priors(data, 2, 80, 120, on_bad_sample="skip")
    assert "1 samples that cannot be read are skipped\n" in capsys.readouterr().out


def test_labels_that_are_not_boxes_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"0\.png\): the label is not boxes"):
        print_priors(f"folder:{write_folder(tmp_path / 'in', 'text')}", 1, 80, 120)
