"""Top of a report: title, rates, findings in a few sentences, and facts about model and data."""

import datetime
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import jax

from launch.runs.reporting.collecting import Collected
from launch.runs.reporting.markup import Html, joined, percent, plural, tag
from launch.runs.reporting.rates import NO_SPREAD, Rate, Tile, show_tiles
from recog.codecs import BoxCodec


def describe(collected: Collected, against: str, group_by: str) -> dict[str, Any]:
    """Facts about the report.

    Args:
      collected: predictions of the model.
      against: name of the model to compare with; empty for none.
      group_by: regular expression of the groups; empty for none.
    """
    facts = collected.subject.facts
    return {
        "model": facts._asdict(),
        "data": [split.name for split in collected.splits],
        "count": len(collected.items),
        "skipped": sum(len(split.samples.source) - len(split.samples.checked.indices) for split in collected.splits),
        "against": against,
        "group_by": group_by,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes"),
        "command": f"python -m launch.report {shlex.join(sys.argv[1:])}",
        "images_per_second": round(collected.images_per_second, 1),
        "device": f"{jax.devices()[0].device_kind}, jax {jax.__version__}",
    }


def title_of(collected: Collected) -> str:
    """Title of the page."""
    names = [split.name.rstrip("/").rsplit("/", 1)[-1] for split in collected.splits]
    return f"{collected.subject.facts.name} on {', '.join(names)}"


def first_sentence(collected: Collected, rate: Rate, tile: Tile) -> str:
    """First sentence of the page."""
    right, all_of = rate.numerators.sum(), rate.denominators.sum()
    things = plural(int(all_of), "labelled object" if isinstance(collected.subject.codec, BoxCodec) else "picture")
    share, verb = percent(right / max(all_of, 1)), "is" if all_of == 1 else "are"
    ends = "all alike, so without an interval" if tile.note == NO_SPREAD else f"95 % interval {tile.note}"
    return f"{int(right):,} of {things} {verb} {rate.title}: {share} ({ends})."


def header(collected: Collected, document: Mapping[str, Any], tiles: Sequence[Tile], brief: Sequence[object]) -> Html:
    """First part of the page.

    Args:
      collected: predictions of the model.
      document: facts about the report.
      tiles: the most important rates.
      brief: sentences that say what the report found.
    """
    facts, skipped = collected.subject.facts, document["skipped"]
    pictures = plural(len(collected.items), "picture") + (f", {skipped:,} skipped" if skipped else "")
    words = [shlex.quote(word) for word in shlex.split(document["command"])]
    rows = {
        "Model": f"{facts.architecture}, {facts.parameters:,} parameters, {collected.subject.given}",
        "Training": facts.training,
        "Data": f"{', '.join(document['data'])}; {pictures}",
        **({"Against": document["against"]} if document["against"] else {}),
        **({"Groups": document["group_by"]} if document["group_by"] else {}),
        "Date": f"{document['date'].replace('T', ' ').removesuffix('+00:00')} UTC",
        "Speed": f"{document['images_per_second']:,} pictures per second, {document['device']}",
        "Command": tag("code", *(part for word in words for part in (tag("span", word), " "))),
    }
    listed = [part for name, value in rows.items() for part in (tag("dt", name), tag("dd", value))]
    return joined(
        [
            tag("h1", title_of(collected)),
            show_tiles(tiles),
            tag("ul", *(tag("li", line) for line in brief), class_="brief"),
            tag("dl", *listed, class_="facts"),
        ]
    )
