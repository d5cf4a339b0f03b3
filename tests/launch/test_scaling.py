"""The scaling model at its limits, where the answer is known."""

import subprocess
import sys

import pytest

from launch.runs.costs import load_config
from launch.runs.scaling import (
    NETWORKS,
    OTHER_REDUCTIONS,
    Network,
    Step,
    all_reduce_seconds,
    efficiency,
    efficiency_table,
    measured_step,
)

FAST, PLAIN = Network(1e30, 0.0), Network(1e9, 1e-5)


def test_one_device_has_nobody_to_talk_to():
    assert all_reduce_seconds(10**9, 1, PLAIN) == 0
    assert efficiency(Step(0.1, 10**9, 40), 1, PLAIN, overlapped=False) == 1


def test_two_devices_exchange_what_they_have_once():
    assert all_reduce_seconds(10**9, 2, Network(1e9, 0.0)) == pytest.approx(1.0)


def test_many_devices_send_everything_twice_whatever_their_number():
    times = [all_reduce_seconds(10**9, devices, Network(1e9, 0.0)) for devices in (64, 512, 4096)]
    assert times == sorted(times)
    assert times[0] == pytest.approx(2.0, rel=0.02)
    assert times[-1] < 2.0


def test_latency_grows_with_the_logarithm():
    assert all_reduce_seconds(0, 512, PLAIN) == pytest.approx(2 * 9 * 1e-5)
    assert all_reduce_seconds(0, 8, PLAIN) == pytest.approx(2 * 3 * 1e-5)


def test_a_network_without_limits_costs_nothing():
    assert efficiency(Step(0.1, 10**9, 40), 512, FAST, overlapped=False) == pytest.approx(1.0)


def test_a_step_half_of_which_is_talk_is_half_as_efficient():
    step = Step(seconds=1.0, gradient_bytes=10**9, reductions=0)
    assert efficiency(step, 2, Network(1e9, 0.0), overlapped=False) == pytest.approx(0.5)
    # Two thirds of the second are backward pass, behind which as much of the sum hides.
    assert efficiency(step, 2, Network(1e9, 0.0), overlapped=True) == pytest.approx(1 / (1 + 1 / 3))


def test_statistics_are_waited_for_one_by_one():
    step = Step(seconds=1e-3, gradient_bytes=0, reductions=10)
    assert efficiency(step, 8, PLAIN, overlapped=True) == pytest.approx(1e-3 / (1e-3 + 10 * 6e-5))


def test_a_configuration_tells_what_its_steps_talk_about():
    step = measured_step(load_config("lprnet"), 0.1)
    # Its published parameters; one normalisation after each of three convolutions and three blocks, of these channels.
    channels = 64 + 128 + 256 + 256 + 256 + 68
    assert step == Step(0.1, 4 * 446_976, reductions=2 * 6 + OTHER_REDUCTIONS, statistics_bytes=4 * 2 * channels)
    assert step.summed == 446_976 + 2 * channels


def test_the_table_has_a_line_for_each_network():
    networks = {"plain": PLAIN, "fast": FAST, "of a node": FAST._replace(reach=8)}
    lines = efficiency_table(Step(0.1, 10**8, 8), [8, 64], networks)
    assert [line.split()[0] for line in lines] == ["8", "plain", "fast", "of"]
    assert lines[2].split()[1:] == ["100.0%", "/", "100.0%"] * 2
    assert lines[3].split()[3:] == ["100.0%", "/", "100.0%", "-"]


@pytest.mark.parametrize("kind", ["infiniband", "ethernet", "tpu"])
def test_something_of_each_kind_joins_512(kind):
    assert max(network.reach for name, network in NETWORKS.items() if name.startswith(kind)) >= 512


def test_the_command_prints_the_table_of_a_configuration():
    flags = ["--config=launch/configs/lprnet.py", "--step_ms=100", "--devices=64,8"]
    done = subprocess.run([sys.executable, "-m", "launch.scaling", *flags], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    traffic, titles, *lines = done.stdout.splitlines()
    assert traffic.startswith("446,976 parameters: each device sends and receives about 3.4 MiB a step")
    assert titles.split() == ["8", "64"]
    assert [line.split()[0] for line in lines] == list(NETWORKS)
