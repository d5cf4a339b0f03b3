"""Sections of a report about a classifier."""

from collections.abc import Callable, Sequence

import numpy as np

from launch.runs.reporting.characters import matrix_table
from launch.runs.reporting.collecting import Collected
from launch.runs.reporting.figures import ACCENT, BAD, GOOD, INK, SECOND, Canvas, draw, in_percent, stairs
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
)
from launch.runs.reporting.pictures import picture
from launch.runs.reporting.rates import Rate
from launch.runs.reporting.samples import SHOWN, Chosen, Evidence, card, cards, confidence_of, drawn_at_random
from launch.runs.reporting.section import Section
from recog.codecs import ClassCodec
from recog.evaluation.roc import Roc, one_vs_rest
from recog.metrics import ClassCounts
from recog.metrics.classes import LEAST_PROBABILITY

MATRIX, CURVES = 16, 4
"""Maximum number of classes of the confusion matrix, and of curves in one figure."""
COLOURS = (ACCENT, SECOND, GOOD, BAD)
"""Colours of the curves."""
CONFUSED, EXAMPLES = 20, 3
"""Maximum number of confused pairs, and pictures of each."""


def names_of(collected: Collected) -> tuple[str, ...]:
    """Names of the classes."""
    assert isinstance(collected.subject.codec, ClassCodec)
    return collected.subject.codec.names


def classes_of(collected: Collected) -> np.ndarray:
    """Index of each sample's true class."""
    places = {name: place for place, name in enumerate(names_of(collected))}
    return np.array([places[item.prediction.label] for item in collected.items])


def probabilities_of(collected: Collected) -> np.ndarray:
    """Probability of each class for each sample, of exclusive classes."""
    found = np.asarray(collected.kept("probabilities"), np.float64)
    return (
        found / np.maximum(found.sum(axis=1, keepdims=True), LEAST_PROBABILITY) if collected.subject.sigmoid else found
    )


def class_rates(collected: Collected) -> list[Rate]:
    """Rates of a classifier, the most important first."""
    ones = np.ones(len(collected.items))
    own = probabilities_of(collected)[np.arange(len(ones)), classes_of(collected)]
    losses = -np.log(np.clip(own, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    return [
        Rate(
            "accuracy",
            "classified right",
            "Pictures whose most probable class is the true one.",
            collected.right.astype(float),
            ones,
        ),
        Rate(
            "log_loss",
            "log loss",
            "Mean negative logarithm of the true class's probability: 0 is perfect.",
            losses,
            ones,
            lambda value: f"{value:.4f}",
        ),
    ]


def classes_section(collected: Collected) -> Section:
    """Rates of each class, the confusion matrix, the most confused pairs and the ROC curves."""
    counts, names = collected.counts, names_of(collected)
    assert isinstance(counts, ClassCounts)
    curves = one_vs_rest(classes_of(collected), probabilities_of(collected))
    rates, confused = _rates(counts, curves), _confused(collected)
    drawing = draw("ROC curves", _roc(names, curves), (4.7, 4.0))
    areas = [each.area for each in curves if each]
    mean = f" Their mean area (AUC) is {np.mean(areas):.4f}." if areas else ""
    caption = f"True against false positive rate of each class, by threshold of its probability.{mean}"
    content: list[object] = [paragraphs([_sentence(counts)]), table(rates)]
    content.append(tag("div", *_matrix(counts), figure(drawing.svg, caption), class_="figures"))
    if confused.rows:
        content += [tag("h3", "Most confused"), table(confused)]
    data = {
        "classes": {name: dict(zip(_RATES, row[1:], strict=True)) for name, row in zip(names, rates.rows, strict=True)},
        "macro_f1": float(counts.f1.mean()),
        "macro_auc": float(np.mean(areas)) if areas else None,
        "confused": _off_diagonal(counts),
    }
    tables = {"classes": rates, "confused": confused, "confusion": _full_matrix(counts)}
    return Section("classes", "Classes", joined(content), data, tables, {"roc": drawing.png}, _brief(counts))


_RATES = ("support", "precision", "recall", "f1", "auc")


def _sentence(counts: ClassCounts) -> str:
    occurring = np.flatnonzero(counts.confusion.sum(axis=0) + counts.confusion.sum(axis=1))
    f1 = counts.f1[occurring]
    worst = counts.names[occurring[np.argmin(f1)]]
    over = "classes" if len(occurring) == len(counts.names) else f"the {len(occurring):,} classes that occur"
    return (
        f"The class with the lowest F1 is {worst} ({percent(float(f1.min()))}); the mean over {over} "
        f"is {percent(float(f1.mean()))}. Precision is the share of right ones among those predicted as a "
        "class, recall among those of the class."
    )


def _brief(counts: ClassCounts) -> list[Html]:
    off = counts.confusion.copy()
    np.fill_diagonal(off, 0)
    if not off.any():
        return [joined(["No picture is classified wrong."])]
    label, found = np.unravel_index(int(off.argmax()), off.shape)
    times = plural(int(off[label, found]), "picture")
    return [
        joined(
            [
                "The commonest mistake: ",
                times,
                " of ",
                text(counts.names[label]),
                " classified as ",
                text(counts.names[found]),
                ".",
            ]
        )
    ]


def _rates(counts: ClassCounts, curves: Sequence[Roc | None]) -> Table:
    columns = [
        Column("class", lambda name: text(str(name))),
        Column("pictures", lambda count: f"{count:,}", True),
        Column("precision", percent, True),
        Column("recall", percent, True),
        Column("F1", percent, True),
        Column("AUC", lambda area: f"{area:.4f}", True),
    ]
    support = counts.confusion.sum(axis=1).tolist()
    areas = [curve.area if curve else None for curve in curves]
    predicted, labelled = counts.confusion.sum(axis=0) > 0, np.array(support) > 0
    rates = (
        [float(value) if known else None for value, known in zip(values, some, strict=True)]
        for values, some in (
            (counts.precision, predicted),
            (counts.recall, labelled),
            (counts.f1, predicted | labelled),
        )
    )
    return Table(columns, list(zip(counts.names, support, *rates, areas, strict=True)))


def _matrix(counts: ClassCounts) -> list[Html]:
    """Confusion matrix of the classes that take part in most confusions."""
    off = counts.confusion.copy()
    np.fill_diagonal(off, 0)
    often = off.sum(axis=0) + off.sum(axis=1)
    chosen = np.sort(np.argsort(-often, kind="stable")[:MATRIX])
    names = [counts.names[place] for place in chosen]
    some = f", of the {MATRIX} classes that are confused most" if len(counts.names) > MATRIX else ""
    matrix = matrix_table(counts.confusion[np.ix_(chosen, chosen)], names, names)
    return [tag("div", matrix, tag("p", f"Labels in rows, predictions in columns{some}.", class_="quiet small"))]


def _off_diagonal(counts: ClassCounts) -> list[tuple[str, str, int]]:
    """Class, class predicted in its place, and number of samples, of all confusions, the most frequent first."""
    labels, found = np.nonzero(counts.confusion)
    times = counts.confusion[labels, found]
    return [
        (counts.names[labels[place]], counts.names[found[place]], int(times[place]))
        for place in np.argsort(-times, kind="stable")
        if labels[place] != found[place]
    ]


def _full_matrix(counts: ClassCounts) -> Table:
    columns = [Column("label \\ prediction"), *(Column(name, number=True) for name in counts.names)]
    rows = [[name, *row] for name, row in zip(counts.names, counts.confusion.tolist(), strict=True)]
    return Table(columns, rows)


def _confused(collected: Collected) -> Table:
    pairs: dict[tuple[str, str], list[int]] = {}
    for place in np.flatnonzero(~collected.right).tolist():
        prediction = collected.items[place].prediction
        pairs.setdefault((prediction.label, prediction.text), []).append(place)
    columns = [
        Column("label", lambda name: text(str(name))),
        Column("classified as", lambda name: text(str(name))),
        Column("times", lambda count: f"{count:,}", True),
        Column("examples", pictures=True),
    ]
    ranked = sorted(pairs.items(), key=lambda pair: (-len(pair[1]), pair[0]))[:CONFUSED]
    return Table(columns, [[*pair, len(places), _examples(collected, places)] for pair, places in ranked])


def _examples(collected: Collected, places: Sequence[int]) -> Html:
    items = [collected.items[place] for place in places[:EXAMPLES]]
    return joined(picture(item.picture(), item.origin, 120, title=item.origin) for item in items)


def _roc(names: Sequence[str], curves: Sequence[Roc | None]) -> Callable[[Canvas], None]:
    known = [(name, curve) for name, curve in zip(names, curves, strict=True) if curve]
    shown = sorted(known, key=lambda pair: pair[1].area)[: CURVES if len(known) > 2 else 1]

    def paint(canvas: Canvas) -> None:
        (axes,) = canvas.axes
        axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1)
        for (name, curve), colour in zip(shown, COLOURS, strict=False):
            across, up = stairs(curve.false_positive_rate), stairs(curve.true_positive_rate)
            axes.plot(across, up, color=colour, label=canvas.named(name, f"AUC {curve.area:.4f}"))
        axes.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(-0.01, 1), ylim=(0, 1.01))
        if shown:
            axes.legend(loc="lower right")
        in_percent(axes.xaxis, axes.yaxis)

    return paint


def class_samples(collected: Collected) -> Section:
    """Most confident mistakes, least confident right predictions and random samples, with the evidence."""
    confidence, right = collected.confidences, collected.right
    order = np.argsort(-confidence, kind="stable")
    wrong, unsure = order[~right[order]][:SHOWN], order[right[order]][::-1][: SHOWN // 2]
    chosen: Chosen = {
        "Most confident mistakes": (
            "The last that a threshold of the confidence keeps out; look for wrong labels.",
            wrong.tolist(),
        ),
        "Least confident right ones": ("The first that a threshold loses.", unsure.tolist()),
        "Random samples": (
            "Drawn from all pictures, right or wrong.",
            drawn_at_random(len(right))[: SHOWN // 2].tolist(),
        ),
    }
    evidence = Evidence(collected, [index for _, indices in chosen.values() for index in indices])

    def shown(index: int) -> Html:
        item, wrong = collected.items[index], not right[index]
        found = tag("mark", item.prediction.text) if wrong else text(item.prediction.text)
        rows = [("label", text(item.prediction.label)), ("predicted", found), ("confidence", confidence_of(item))]
        return card(item, rows, evidence.show(index, [wrong]))

    return Section("samples", "Samples", cards(chosen, shown))
