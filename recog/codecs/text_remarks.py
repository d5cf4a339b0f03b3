"""Remarks about texts that can be encoded, but that people rarely mean as they are written."""

from recog.codecs.codec import Problems

WHITE_SPACE = "white_space_at_the_ends"


def text_remarks(text: str) -> Problems:
    """Reasons why a text will probably be learnt badly, by kind."""
    if text == text.strip():
        return {}
    return {WHITE_SPACE: f"the label {text!r} begins or ends with white space, which no picture shows: correct it"}
