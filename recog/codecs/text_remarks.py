"""Remarks about texts that can be encoded, but that people rarely mean as they are written."""

from recog.codecs.codec import Problems
from recog.codecs.reading_order import right_to_left, to_logical, to_visual
from recog.look_alikes import describe, invisible, strip_ends
from recog.unknown_tokens import shortened, unquoted

WHITE_SPACE = "white_space_at_the_ends"
INVISIBLE = "invisible_characters"
RIGHT_TO_LEFT = "right_to_left"
AMBIGUOUS_ORDER = "ambiguous_order"
QUOTED = "quotation_marks_around_the_label"


def text_remarks(text: str, reading_order: str = "") -> Problems:
    """Reasons why a text will probably be learnt badly, by kind; see `recog.codecs.TextCodec` for the order."""
    found = _order(text, reading_order)
    inner = strip_ends(text)
    if text != inner:
        found[WHITE_SPACE] = _at_the_ends(text, inner)
    if inside := invisible(inner):
        named = describe("".join(inside))
        found[INVISIBLE] = f"the label {shortened(text)} holds {named}, which no picture shows: remove it"
    if unquoted(inner) != inner:
        found[QUOTED] = f"the label {shortened(text)} stands in quotation marks: remove them if no picture shows them"
    return found


def _at_the_ends(text: str, inner: str) -> str:
    start = text.find(inner) if inner else len(text)
    ends = dict.fromkeys(text[:start] + text[start + len(inner) :])
    other = describe("".join(character for character in ends if character != " "))
    which = f" ({other})" if other else ""
    if not inner:
        return f"the label {shortened(text)} is nothing but white space{which}: write its text or drop the sample"
    return (
        f"the label {shortened(text)} begins or ends with white space{which}, which no picture shows: "
        "set data.strip (--config.data.strip=true), or correct it"
    )


def _order(text: str, reading_order: str) -> Problems:
    if reading_order == "as_written" or not right_to_left(text):
        return {}
    if not reading_order:
        return {
            RIGHT_TO_LEFT: (
                f"the label {shortened(text)} runs from right to left, readers from left to right: set "
                "--config.data.reading_order=visual if labels are stored as they are typed, or as_written if their "
                "first character is the leftmost one"
            )
        }
    back = to_logical(to_visual(text))
    return (
        {}
        if back == text
        else {AMBIGUOUS_ORDER: f"the label {shortened(text)} will be given back as {shortened(back)}"}
    )
