"""``launch.adapt`` makes a work folder whose batch statistics are those of other pictures."""

import cv2
import numpy as np
import pytest

import launch.adapt
from launch.runs.folder import load_run
from launch.runs.pretrained import pretrained
from recog.training.transfer import named_arrays
from tests.launch.in_process import run_main


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """Pictures without labels, much darker than those of the digits."""
    folder = tmp_path_factory.mktemp("dark")
    for number in range(5):
        noise = np.random.default_rng(number).integers(0, 40, (32, 60), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), noise)
    return folder


def test_the_new_folder_has_the_parameters_and_other_statistics(trained, config, dark, tmp_path, capsys):
    run_main(launch.adapt, f"--workdir={trained.workdir}", f"--data=pictures:{dark}", f"--out={tmp_path}/out")
    before, after = load_run(trained.workdir), load_run(tmp_path / "out")
    said = f"{tmp_path}/out: step {before.step} of {trained.workdir} with the statistics of 1 layers over 5 pictures"
    assert said in capsys.readouterr().out
    theirs, ours = named_arrays(before.variables), named_arrays(after.variables)
    assert ours.keys() == theirs.keys()
    for path, array in ours.items():
        assert np.array_equal(array, theirs[path]) == path.startswith("params/"), path
    assert (after.step, after.adapted_to) == (before.step, f"pictures:{dark}")
    config.init_from = f"{tmp_path}/out"
    taken = pretrained(config, after.task)
    np.testing.assert_equal(named_arrays(taken), ours)
    with pytest.raises(FileExistsError, match="out holds files: name a new or an empty folder"):
        launch.adapt.adapt(trained.workdir, f"pictures:{dark}", tmp_path / "out")
