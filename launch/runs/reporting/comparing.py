"""Section of a report that compares two models on the same samples."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import NamedTuple

import numpy as np

from launch.runs.evaluation_files import tile_of
from launch.runs.reporting.classes import names_of
from launch.runs.reporting.collecting import Collected, Item
from launch.runs.reporting.figures import BAD, GOOD, INK, Canvas, draw
from launch.runs.reporting.markup import (
    Column,
    Html,
    Table,
    figure,
    joined,
    paragraphs,
    percent,
    plural,
    table,
    tag,
    text,
    visible,
)
from launch.runs.reporting.pictures import compared
from launch.runs.reporting.samples import SHOWN, Chosen, card, cards
from launch.runs.reporting.section import Section
from launch.runs.reporting.texts import Texts
from recog.codecs import BoxCodec, ClassCodec, TextCodec
from recog.evaluation.alignment import AlignedCounts
from recog.evaluation.bootstrap import interval
from recog.evaluation.mcnemar import McNemar, mcnemar

FEW = 16
"""Maximum number of bars of a narrow figure."""
MOST = 40
"""Maximum number of bars, those of the largest differences."""
SIGNIFICANT = 0.05
"""P values below this are called significant."""


class Score(NamedTuple):
    """F1 of one class or token with both models."""

    name: str
    support: int
    """Number of occurrences in the labels."""
    first: float
    second: float

    @property
    def gain(self) -> float:
        """F1 of the report's model less that of the other."""
        return self.first - self.second


def matching(first: Collected, second: Collected) -> tuple[list[int], list[int]]:
    """Indices of the samples that both models have predicted.

    Raises:
      ValueError: there are none.
    """
    places = {item.key: place for place, item in enumerate(second.items)}
    pairs = [(place, places[item.key]) for place, item in enumerate(first.items) if item.key in places]
    if not pairs:
        raise ValueError("the two models have no sample in common: leave out --against, or --on_bad_sample=skip")
    return [one for one, _ in pairs], [other for _, other in pairs]


def comparison_section(first: Collected, second: Collected, groups: Sequence[Hashable] | None) -> Section:
    """McNemar's test, gains and losses by class, and pictures that only one of the models predicts right.

    Args:
      first: predictions of the report's model.
      second: predictions of the other one for the same samples.
      groups: group of each sample, which intervals draw together; None draws samples.
    """
    own, others = matching(first, second)
    right, other_right = first.right[own], second.right[others]
    test = mcnemar(right, other_right)
    drawn = groups and [groups[place] for place in own]
    difference = interval(right.astype(float) - other_right, np.ones(len(right)), groups=drawn)
    names = first.subject.facts.name, second.subject.facts.name
    if names[0] == names[1]:
        names = first.subject.given, second.subject.given
    counts = Table(
        [Column(""), Column(f"{names[1]} right", number=True), Column(f"{names[1]} wrong", number=True)],
        [
            [f"{names[0]} right", int((right & other_right).sum()), test.only_first],
            [f"{names[0]} wrong", test.only_second, int((~right & ~other_right).sum())],
        ],
    )
    verdict = _verdict(names, test, float(right.mean()), float(other_right.mean()))
    ends = f"{_points(difference.low)} to {_points(difference.high)}"
    ends = f"The difference is {_points(difference.value)} (95 % interval {ends})."
    if groups:
        ends += " The interval draws whole groups; McNemar's test takes pictures as independent of each other."
    if len(own) < len(first.items):
        ends += f" Only the {plural(len(own), 'picture')} that both can be judged by are compared."
    content: list[object] = [paragraphs([verdict, ends]), table(counts)]
    scores, tables, pngs = _scores(first, second, own, others), {}, {}
    if changed := [score for score in scores if score.gain]:
        drawing = draw("gains and losses by class", _bars(changed), (4.7 if len(changed) <= FEW else 8.4, 3.0))
        caption = f"Difference of F1 in points, {names[0]} less {names[1]}, of {shown_of(len(changed))}."
        tables["gains"] = _gains(scores, names)
        wide = figure(drawing.svg, caption, wide=len(changed) > FEW)
        content += [tag("h3", "Gains and losses"), wide, table(tables["gains"])]
        pngs["gains"] = drawing.png
    content.append(_only_one(first, second, own, others, names))
    data = {
        "against": second.subject.given,
        "accuracy": [float(right.mean()), float(other_right.mean())],
        "difference": difference._asdict(),
        "mcnemar": test._asdict(),
        "gains": {score.name: score.gain for score in changed},
    }
    return Section("comparison", "Comparison", joined(content), data, tables, pngs, [verdict])


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points".replace("-", "−")


def _verdict(names: tuple[str, str], test: McNemar, accuracy: float, other: float) -> str:
    if test.only_first == test.only_second == 0:
        return f"{names[0]} and {names[1]} predict the same pictures right, {percent(accuracy)} of all."
    only = f"{plural(test.only_first, 'picture')} only {names[0]}, {test.only_second:,} only {names[1]}"
    counts = f"{names[0]} predicts {percent(accuracy)} right, {names[1]} {percent(other)}: {only}"
    chance = f"McNemar's exact test gives p = {test.p:.2g}"
    if test.p < SIGNIFICANT:
        return f"{counts}. {chance}: the difference is significant."
    return f"{counts}. {chance}: such a difference can be chance."


def _scores(first: Collected, second: Collected, own: Sequence[int], others: Sequence[int]) -> list[Score]:
    """F1 of tokens or classes with both models over the samples that both have predicted; none of detectors."""
    codec = first.subject.codec
    match codec:
        case BoxCodec():
            return []
        case ClassCodec():
            ours, theirs = _labelled(first, own), _labelled(second, others)
            order: Sequence[Hashable] = names_of(first)
        case _:
            assert isinstance(codec, TextCodec)
            ours, theirs = Texts(first).aligned_of(own), Texts(second).aligned_of(others)
            order = codec.alphabet.tokens
    supports = {row.token: row.support for row in (*theirs.rows(), *ours.rows())}
    scores = [{row.token: row.f1 for row in counts.rows()} for counts in (ours, theirs)]
    places: dict[Hashable, int] = {token: place for place, token in enumerate(order)}
    tokens = sorted(supports, key=lambda token: places.get(token, len(places)))
    return [Score(str(token), supports[token], *(of.get(token, 0.0) for of in scores)) for token in tokens]


def _labelled(collected: Collected, places: Sequence[int]) -> AlignedCounts:
    """Counts of the pairs of class and predicted class of some samples."""
    predictions = [collected.items[place].prediction for place in places]
    return AlignedCounts(Counter((prediction.label, prediction.text) for prediction in predictions))


def shown_of(changed: int) -> str:
    """Words for the bars of the figure, of this number of characters or classes that differ."""
    if changed <= MOST:
        return "every character or class that differs"
    return f"the {MOST} characters or classes that differ most, of {changed:,}"


def _gains(scores: Sequence[Score], names: tuple[str, str]) -> Table:
    columns = [
        Column("class", lambda name: text(visible(name))),
        Column("in labels", lambda count: f"{count:,}", True),
        Column(f"F1, {names[0]}", percent, True),
        Column(f"F1, {names[1]}", percent, True),
        Column("difference", _points, True),
    ]
    ranked = sorted(scores, key=lambda score: -score.gain)
    return Table(columns, [[*score, score.gain] for score in ranked if score.gain])


def _bars(scores: Sequence[Score]) -> Callable[[Canvas], None]:
    largest = sorted(scores, key=lambda score: -abs(score.gain))[:MOST]
    shown = sorted(largest, key=lambda score: -score.gain)

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes
        gains = [100 * score.gain for score in shown]
        axes.bar(range(len(shown)), gains, color=[GOOD if gain > 0 else BAD for gain in gains])
        axes.axhline(0, color=INK, linewidth=1)
        axes.set(ylabel="points of F1", xlim=(-0.7, len(shown) - 0.3))
        axes.grid(axis="x", visible=False)
        names = [visible(score.name) for score in shown]
        canvas.name_bars(axes, names, turned=any(len(name) > 2 for name in names))

    return paint


def _only_one(
    first: Collected, second: Collected, own: Sequence[int], others: Sequence[int], names: tuple[str, str]
) -> Html:
    """Samples that one model alone predicts right, the most confident mistakes of the other first."""
    pairs = list(zip(own, others, strict=True))
    gained = [pair for pair in pairs if first.right[pair[0]] and not second.right[pair[1]]]
    lost = [pair for pair in pairs if not first.right[pair[0]] and second.right[pair[1]]]
    gained.sort(key=lambda pair: -second.confidences[pair[1]])
    lost.sort(key=lambda pair: -first.confidences[pair[0]])
    partner = dict(pairs)
    chosen: Chosen = {
        f"Only {names[0]} is right": (f"{plural(len(gained), 'picture')}.", [one for one, _ in gained[:SHOWN]]),
        f"Only {names[1]} is right": (f"{plural(len(lost), 'picture')}.", [one for one, _ in lost[:SHOWN]]),
    }
    texts = (Texts(first), Texts(second)) if isinstance(first.subject.codec, TextCodec) else None

    def shown(index: int) -> Html:
        item, other = first.items[index], second.items[partner[index]]
        if isinstance(first.subject.codec, BoxCodec):
            first_wrong = bool(second.right[partner[index]])
            return _mistaken(*((first, item, names[0]) if first_wrong else (second, other, names[1])))
        readings = text(item.prediction.text), text(other.prediction.text)
        if texts:
            readings = _readings(texts, index, partner[index])
        return card(item, [("label", text(item.prediction.label)), *zip(names, readings, strict=True)])

    return cards(chosen, shown)


def _mistaken(collected: Collected, item: Item, name: str) -> Html:
    """A picture with the labelled boxes and those of the model that is wrong."""
    tile = tile_of(item.split.samples, item.prediction, collected.subject.settings.preprocess)
    return card(item, [("boxes of", text(name))], pixels=tile.image)


def _readings(texts: tuple[Texts, Texts], index: int, partner: int) -> tuple[Html, Html]:
    ours, theirs = texts
    if ours.left_to_right and not ours.codec.alphabet.separator:
        return compared(ours.pairs[index], 1), compared(theirs.pairs[partner], 1)
    return text(ours.collected.items[index].prediction.text), text(theirs.collected.items[partner].prediction.text)
