"""Remarks about texts that can be encoded, but that people rarely mean as they are written."""

from recog.codecs.codec import Problems
from recog.look_alikes import describe, invisible, strip_ends
from recog.unknown_tokens import shortened, unquoted

WHITE_SPACE = "white_space_at_the_ends"
INVISIBLE = "invisible_characters"
QUOTED = "quotation_marks_around_the_label"


def text_remarks(text: str) -> Problems:
    """Reasons why a text will probably be learnt badly, by kind."""
    found: Problems = {}
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
