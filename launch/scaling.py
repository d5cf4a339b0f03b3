"""Predicts the efficiency of a run on many devices.

    python -m launch.scaling --config=launch/configs/crnn.py --step_ms=MS [--devices=8,64,512]

``--step_ms`` is the duration of a training step on one device, as `launch.benchmarks.train` prints it or a training log
tells it. The model of the network traffic is in `launch.runs.scaling`.
"""

from absl import flags

from launch.runs import entry
from launch.runs.config_file import define_config_flag
from launch.runs.scaling import NETWORKS, efficiency_table, measured_step


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_float("step_ms", None, "Milliseconds of a training step on one device.", lower_bound=1e-6)
    flags.DEFINE_list("devices", ["8", "64", "512"], "Numbers of devices.")
    define_config_flag("A file under launch/configs/.")
    flags.mark_flags_as_required(["step_ms", "config"])


def main(argv: list[str]) -> None:
    """Prints the predicted efficiencies."""
    del argv
    values = flags.FLAGS
    step = measured_step(values.config, values.step_ms / 1e3)
    volume = step.gradient_bytes / 2**20
    print(
        f"{step.gradient_bytes // 4:,} parameters: each device sends and receives about {2 * volume:.1f} MiB a step "
        f"and waits {step.reductions} times for statistics; efficiency with / without overlap"
    )
    print("\n".join(efficiency_table(step, sorted(int(count) for count in values.devices), NETWORKS)))


if __name__ == "__main__":
    define_flags()
    entry.run(main)
