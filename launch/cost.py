"""What each model costs: ``python -m launch.cost [--config=launch/configs/NAME.py ...]``.

Prints input, frames, parameters and multiply-accumulates of reading one picture, for each model in ``launch/configs``
(under the first configuration that has it) or for one configuration. Models that a paper measured on plates of 94x24
stand beside its figures, which count two operations for each multiply-accumulate. Products are counted over the traced
program, each turn of a recurrent loop included; compilers' own counts take a loop's body once.
"""

from pathlib import Path
from typing import NamedTuple

from absl import flags
from ml_collections import config_flags

from launch.runs import entry
from launch.runs.costs import Cost, count, count_models


class Published(NamedTuple):
    """What the PeerJ Computer Science 2024 paper on graphic supervision says of a model, at 94x24."""

    parameters: float
    """Millions."""
    operations: float
    """Thousand millions: two for each multiply-accumulate."""


PUBLISHED = {
    "lprnet": Published(0.4, 0.29),
    "plates_crnn": Published(7.3, 0.95),
    "plates_alexnet": Published(3.8, 0.63),
    "plates_resnet18": Published(11.2, 1.09),
}
NOTABLE = 0.05
"""Relative difference to a published figure from which it is explained."""


def compare(cost: Cost, published: Published) -> str:
    """Ours beside a paper's figures, with the reason where they differ by more than 5 %."""
    pairs = [(cost.parameters / 1e6, published.parameters, "M"), (2 * cost.macs / 1e9, published.operations, "G")]
    notes = []
    for ours, theirs, unit in pairs:
        difference = ours / theirs - 1
        digits = len(f"{theirs}".partition(".")[2])
        if abs(difference) > NOTABLE:
            equal = round(ours, digits) == theirs
            reason = "the paper's figure is rounded" if equal else "the paper does not give every layer"
            notes.append(f"{ours:.3f} {unit} is {difference:+.0%}: {reason}")
    shown = f"{published.parameters} M, {published.operations} G"
    return f"{shown} ({'; '.join(notes)})" if notes else shown


def table(costs: dict[str, Cost]) -> list[str]:
    """One line for each model, after a line of titles."""
    lines = [f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}{'operations':>12}   published"]
    for name, cost in costs.items():
        published = compare(cost, PUBLISHED[name]) if name in PUBLISHED else ""
        lines.append(
            f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
            f"{2 * cost.macs / 1e9:>10.3f} G   {published}".rstrip()
        )
    return lines


def main(argv: list[str]) -> None:
    """Reads the flags and prints the table."""
    del argv
    config = flags.FLAGS.config
    if config:
        costs = {Path(config_flags.get_config_filename(flags.FLAGS["config"])).stem: count(config)}
    else:
        costs = count_models()
    print("\n".join(table(costs)), flush=True)


if __name__ == "__main__":
    config_flags.DEFINE_config_file("config", None, "A file under launch/configs/; every model's when it is not given.")
    entry.run(main)
