"""Predictions of `launch.scaling` against compiled programs on forced devices and in two processes."""

import sys

import pytest

from launch.benchmarks import scaling
from launch.benchmarks.scaling_process import Measured
from launch.runs.collectives import Collective, collectives
from launch.runs.scaling import all_reduce_seconds
from tests.conftest import with_devices
from tests.launch.conftest import CONFIG_FILE

PROGRAM = """
  %sums = (f32[64]{0}, f32[3,64]{1,0}) all-reduce(%a, %b), channel_id=1
  ROOT %flag = pred[] all-reduce-start(%c), channel_id=2
  %ids = s32[16]{0} all-gather(%d), dimensions={0}
  %fusion = f32[8]{0} fusion(%all-reduce.1), kind=kLoop
"""


def test_collective_operations_of_a_program_are_found_with_their_sizes():
    assert collectives(PROGRAM) == [
        Collective("all-reduce", (("f32", 64), ("f32", 192))),
        Collective("all-reduce", (("pred", 1),)),
        Collective("all-gather", (("s32", 16),)),
    ]
    assert [operation.numbers for operation in collectives(PROGRAM)] == [256, 0, 0]


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[tuple[int, int], Measured]:
    """Measurements of a tiny reader by numbers of devices and processes."""
    folder = tmp_path_factory.mktemp("scaling")
    (folder / "config.py").write_text(CONFIG_FILE.format(folder=str(folder)))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in with_devices(1).items():
            patch.setenv(name, value)
        found = scaling.measure([1, 8], 2, [f"--config={folder / 'config.py'}", "--time", "--repeats=1"])
    return {(one.devices, one.processes): one for one in found}


MANY = [(8, 1), (2, 2)]


@pytest.mark.parametrize("layout", MANY)
def test_devices_sum_the_numbers_predicted_and_nothing_else(measured, layout):
    assert measured[1, 1].summed == measured[1, 1].reductions == 0
    found = measured[layout]
    assert found.summed == pytest.approx(found.predicted_summed, rel=0.02)
    assert found.gathered == 0
    assert 2 <= found.reductions <= found.predicted_reductions


@pytest.mark.parametrize("layout", MANY)
def test_no_device_repeats_the_work_of_another_or_holds_its_samples(measured, layout):
    one, found = measured[1, 1], measured[layout]
    assert found.flops == pytest.approx(one.flops, rel=0.02)
    assert found.arguments == pytest.approx(found.predicted_arguments, rel=0.001)
    assert found.temporaries < 1.1 * one.temporaries


def test_the_tables_show_predictions_beside_measurements(measured, capsys):
    scaling.report(list(measured.values()), timed=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line.startswith(" ")] == ["devices", "1", "8", "2"] * 2


def test_the_link_is_the_network_in_which_all_reduces_take_what_was_measured(measured):
    found = measured[8, 1]._replace(small_seconds=0.002, large_seconds=0.005)
    network = scaling.link(found)
    assert all_reduce_seconds(0, 8, network) == pytest.approx(found.small_seconds)
    assert all_reduce_seconds(found.reduced_bytes, 8, network) == pytest.approx(found.large_seconds)


def test_a_process_that_fails_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(RuntimeError, match="--layouts=1"):
        scaling.measure([1], 0, [])
