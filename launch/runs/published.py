"""Published costs of models beside ours, and the table that `launch.cost` prints."""

from typing import NamedTuple

from launch.runs.costs import Cost


class Published(NamedTuple):
    """Cost of a model at 94x24 in the PeerJ Computer Science 2024 paper on graphic supervision."""

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
"""Relative difference from a published figure above which the table explains it."""


def compare(cost: Cost, published: Published) -> str:
    """The paper's figures, with our figure and the reason where they differ by more than 5 %."""
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


def cost_table(costs: dict[str, Cost]) -> list[str]:
    """A line of titles, then a line for each model."""
    lines = [f"{'':<17}{'input':>10}{'frames':>8}{'parameters':>13}{'MACs':>11}{'operations':>12}   published"]
    for name, cost in costs.items():
        published = compare(cost, PUBLISHED[name]) if name in PUBLISHED else ""
        lines.append(
            f"{name:<17}{cost.size:>10}{cost.frames or '-':>8}{cost.parameters:>13,}{cost.macs / 1e6:>9,.1f} M"
            f"{2 * cost.macs / 1e9:>10.3f} G   {published}".rstrip()
        )
    return lines
