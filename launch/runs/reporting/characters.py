"""Section of a report about the characters of a reader: how well each is read, and with which it is confused."""

from collections.abc import Hashable, Sequence

import numpy as np

from launch.runs.reporting.markup import (
    Column,
    Html,
    Table,
    joined,
    paragraphs,
    percent,
    plural,
    table,
    tag,
    text,
    visible,
)
from launch.runs.reporting.pictures import picture
from launch.runs.reporting.section import Section
from launch.runs.reporting.texts import Texts
from recog.evaluation.alignment import AlignedCounts

CONFUSED = 30
"""Maximum number of confused pairs in the table with pictures."""
EXAMPLES = 3
"""Pictures of each."""
MATRIX = 16
"""Maximum number of tokens of the confusion matrix."""


def characters_section(texts: Texts) -> Section:
    """Precision, recall and F1 of each token, the most confused pairs with pictures, and their matrix."""
    counts, order = texts.aligned, texts.codec.alphabet.tokens
    rates, confused = _rates(counts, order), _confused(texts)
    wrong = counts.substitutions + counts.insertions + counts.deletions
    sentence = (
        f"{plural(wrong, 'mistake')} in {sum(map(len, texts.labels)):,} characters: {counts.substitutions:,} read as "
        f"another, {counts.deletions:,} missed, {counts.insertions:,} added. Label and reading are aligned by their "
        "shortest edits. Precision is the share of right ones among those read as a character, recall among those of "
        "the labels."
    )
    content: list[object] = [paragraphs([sentence]), table(rates)]
    if confused.rows:
        content += [tag("h3", "Most confused"), table(confused), *_matrix(counts)]
    macro, micro = counts.macro(), counts.micro()
    data = {
        "substitutions": counts.substitutions,
        "insertions": counts.insertions,
        "deletions": counts.deletions,
        "macro": macro._asdict(),
        "micro": micro._asdict(),
        "tokens": {str(row.token): row._asdict() for row in counts.rows(order)},
        "confused": [list(row) for row in counts.confused(CONFUSED)],
    }
    return Section(
        "characters",
        "Characters",
        joined(content),
        data,
        {"characters": rates, "confused": confused},
        brief=finding(counts),
    )


def finding(counts: AlignedCounts) -> list[Html]:
    """A sentence on the commonest mistake; none if no character is read as another."""
    wrong = counts.substitutions + counts.insertions + counts.deletions
    if not wrong:
        return [joined(["Every character is read right."])]
    if not counts.substitutions:
        return []
    label, read, times = counts.confused(1)[0]
    tokens = text(visible(label)), text(visible(read))
    if wrong == 1:
        return [joined(["The only mistake: ", tokens[0], " is read as ", tokens[1], "."])]
    share = percent(counts.substitutions / wrong, 0)
    start = f"{share} of the {plural(wrong, 'mistake')} are characters read as others; "
    if times == 1:
        return [joined([start, "none more than once, such as ", tokens[0], " as ", tokens[1], "."])]
    return [joined([start, "most often ", tokens[0], " is read as ", tokens[1], f" ({times:,} times)."])]


def _rates(counts: AlignedCounts, order: Sequence[Hashable]) -> Table:
    confusions: dict[Hashable, list[str]] = {}
    for label, read, times in counts.confused(len(counts.pairs)):
        confusions.setdefault(label, []).append(f"{visible(read)} ×{times}")
    found = {**counts.true_positives, **counts.false_positives}
    columns = [
        Column("character", _token),
        Column("in labels", lambda count: f"{count:,}", True),
        Column("precision", percent, True),
        Column("recall", percent, True),
        Column("F1", percent, True),
        Column("read as", text_or_nothing),
    ]
    rows = []
    for row in counts.rows(order):
        of_labels = (row.recall, row.f1) if row.support else (None, None)
        precision = row.precision if row.token in found else None
        rows.append([row.token, row.support, precision, *of_labels, " ".join(confusions.get(row.token, [])[:4])])
    return Table(columns, rows)


def _token(token: Hashable) -> Html:
    return text(visible(token))


def text_or_nothing(value: str) -> Html:
    """Text of samples; nothing for an empty one."""
    return text(value) if value else Html("")


def _confused(texts: Texts) -> Table:
    support = {row.token: row.support for row in texts.aligned.rows()}
    columns = [
        Column("label", _token),
        Column("read as", _token),
        Column("times", lambda count: f"{count:,}", True),
        Column("of the label's", percent, True),
        Column("examples", pictures=True),
    ]
    rows = [
        [label, read, times, times / max(support[label], 1), _examples(texts, (label, read))]
        for label, read, times in texts.aligned.confused(CONFUSED)
    ]
    return Table(columns, rows)


def _examples(texts: Texts, pair: tuple[Hashable, Hashable]) -> Html:
    places = [place for place, pairs in enumerate(texts.pairs) if pair in pairs][:EXAMPLES]
    items = [texts.collected.items[place] for place in places]
    shown = [(item, f"{item.prediction.label} read as {item.prediction.text}") for item in items]
    return joined(picture(item.picture(), words, 160, title=words) for item, words in shown)


def _matrix(counts: AlignedCounts) -> list[Html]:
    """Matrix of the tokens that take part in most confusions."""
    often: dict[Hashable, int] = {}
    for label, read, times in counts.confused(len(counts.pairs)):
        for token in (label, read):
            often[token] = often.get(token, 0) + times
    chosen = sorted(sorted(often, key=lambda token: -often[token])[:MATRIX], key=str)
    matrix = counts.confusion(chosen)
    caption = f"Labels in rows, readings in columns, of the {len(chosen)} characters that are confused most."
    names = [visible(token) for token in chosen]
    return [tag("p", caption, class_="quiet small"), matrix_table(matrix, [*names, "added"], [*names, "missed"])]


def matrix_table(matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> Html:
    """A matrix of counts in which the cells off the diagonal are tinted by their count."""
    off = matrix.copy()
    np.fill_diagonal(off, 0)
    most = max(int(off.max(initial=0)), 1)
    head = tag("tr", tag("th", ""), *(tag("th", text(name), scope="col", title=name) for name in columns))
    body = [
        tag(
            "tr",
            tag("th", text(name), scope="row", title=name),
            *(_cell(matrix, row, column, most) for column in range(len(columns))),
        )
        for row, name in enumerate(rows)
    ]
    return tag(
        "div", tag("table", tag("thead", head), tag("tbody", *body), class_="matrix"), class_="scroll", tabindex="0"
    )


def _cell(matrix: np.ndarray, row: int, column: int, most: int) -> Html:
    count = int(matrix[row, column])
    if row == column:
        return tag("td", f"{count:,}" if count else "", class_="same")
    if not count:
        return tag("td", "")
    return tag("td", f"{count:,}", class_="wrong", style=f"--share: {15 + 40 * count / most:.0f}%")
