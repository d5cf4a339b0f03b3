"""Training means the same on any number of devices, however parameters and batches are split."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import with_devices

LAYOUTS = ("1,1,1", "2,1,1", "4,1,1", "8,1,1", "8,4,1", "1,1,2", "8,2,2")
"""Devices, how many of them share one copy of the parameters, and parts of a batch."""
PLAIN = ("2,1,1", "8,1,1")
"""Layouts that convolve as accelerators do; the others have tiles, and sum kernels' gradients in another basis."""
ETA = ("eta:1", "eta:8")
"""Devices that learn the weight of a branch."""


def outcomes_of(digits, *layouts: str) -> list[dict]:
    """What ``tests.launch.on_devices`` prints."""
    command = [sys.executable, "-m", "tests.launch.on_devices", str(digits), *layouts]
    done = subprocess.run(command, env=with_devices(8), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_eight_devices_that_share_parameters_train_like_one(digits):
    one, eight = outcomes_of(digits, "tiny:1,1,1", "tiny:8,4,1")
    np.testing.assert_allclose(eight["losses"], one["losses"], rtol=1e-4)
    assert [index for index, _ in eight["read"]] == [index for index, _ in one["read"]]
    assert eight["held"] < one["held"] == 1.0
    assert min(one["donated"], eight["donated"]) >= 1.0


@pytest.fixture(scope="module")
def outcomes(digits) -> dict[str, dict]:
    """Outcomes by layout."""
    layouts = [f"plain:{layout}" if layout in PLAIN else layout for layout in LAYOUTS]
    return dict(zip(LAYOUTS + ETA, outcomes_of(digits, *layouts, *ETA), strict=True))


@pytest.mark.exhaustive
@pytest.mark.parametrize("layout", ["2,1,1", "4,1,1", "8,1,1", "8,4,1"])
def test_losses_and_readings_are_those_of_one_device(outcomes, layout):
    np.testing.assert_allclose(outcomes[layout]["losses"], outcomes["1,1,1"]["losses"], rtol=1e-4)
    (ids, confidences), (expected_ids, expected) = (
        zip(*outcomes[name]["read"], strict=True) for name in (layout, "1,1,1")
    )
    assert ids == expected_ids
    # Of two paths that are nearly as likely either may win, and has its own confidence.
    assert np.mean(np.isclose(confidences, expected, atol=0.005)) > 0.8, (confidences, expected)


@pytest.mark.exhaustive
def test_a_step_sums_its_gradients_and_little_else_over_devices(outcomes):
    assert outcomes["1,1,1"]["summed"] == 0
    for layout in PLAIN:
        share = outcomes[layout]["summed"] / outcomes[layout]["parameters"]
        assert 1 <= share < 1.1, f"{layout}: {share} numbers for each parameter"


@pytest.mark.exhaustive
@pytest.mark.parametrize("layout", ["1,1,1", "8,1,1", "8,4,1"])
def test_a_step_writes_the_new_state_where_the_old_one_was(outcomes, layout):
    assert outcomes[layout]["donated"] >= 1.0


@pytest.mark.exhaustive
def test_parts_of_a_batch_are_the_same_parts_on_any_number_of_devices(outcomes):
    np.testing.assert_allclose(outcomes["8,2,2"]["losses"], outcomes["1,1,2"]["losses"], rtol=1e-4)
    assert outcomes["1,1,2"]["losses"] != outcomes["1,1,1"]["losses"], "each part is normalised by its own statistics"


@pytest.mark.exhaustive
def test_parameters_and_optimizer_state_are_shared_out(outcomes):
    assert outcomes["8,1,1"]["held"] == 1.0
    assert 1 / 4 <= outcomes["8,4,1"]["held"] < 0.35
    assert 1 / 2 <= outcomes["8,2,2"]["held"] < 0.6


@pytest.mark.exhaustive
def test_the_weight_of_a_branch_is_learnt_alike(outcomes):
    one, eight = (outcomes[name] for name in ETA)
    assert one["eta"] != 0.5
    assert eight == pytest.approx(one, rel=1e-3)
