"""Patterns of common kinds of text, by name."""

from recog.alphabet import CHINESE_PLATES_65

DEPTH = 3
"""Maximum depth of parentheses in an arithmetic expression."""

_PROVINCES = "".join(CHINESE_PLATES_65.tokens[:31])


def _expression(depth: int) -> str:
    """Sums and products of whole numbers, with parentheses up to a depth."""
    term = rf"(\d+|\({_expression(depth - 1)}\))" if depth else r"\d+"
    return f"-?{term}([-+*]{term})*"


NAMED = {
    "plate_cn": f"[{_PROVINCES}][A-Z][A-Z0-9]{{5,6}}",
    "price": r"\d+(\.\d{2})?",
    "arithmetic": f"{_expression(DEPTH)}=?",
}
"""Patterns by name: plates of China (province, letter, five or six letters and digits); whole numbers with or without
two decimals; expressions with balanced parentheses, whose equals sign may be missing."""
