"""Remarks about texts that can be encoded, but that people rarely mean as they are written."""

from recog.codecs.codec import Problems
from recog.codecs.reading_order import right_to_left, to_logical, to_visual

WHITE_SPACE = "white_space_at_the_ends"
RIGHT_TO_LEFT = "right_to_left"
AMBIGUOUS_ORDER = "ambiguous_order"


def text_remarks(text: str, reading_order: str = "") -> Problems:
    """Reasons why a text will probably be learnt badly, by kind; see `recog.codecs.TextCodec` for the settings."""
    return _white_space(text) | _order(text, reading_order)


def _white_space(text: str) -> Problems:
    if text == text.strip():
        return {}
    return {WHITE_SPACE: f"the label {text!r} begins or ends with white space, which no picture shows: correct it"}


def _order(text: str, reading_order: str) -> Problems:
    if reading_order == "as_written" or not right_to_left(text):
        return {}
    if not reading_order:
        return {
            RIGHT_TO_LEFT: (
                f"the label {text!r} runs from right to left, readers from left to right: set "
                "--config.data.reading_order=visual if labels are stored as they are typed, or as_written if their "
                "first character is the leftmost one"
            )
        }
    back = to_logical(to_visual(text))
    return {} if back == text else {AMBIGUOUS_ORDER: f"the label {text!r} will be given back as {back!r}"}
