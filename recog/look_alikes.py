"""Characters that look alike: Latin A and Cyrillic А, full-width forms, dashes, and characters that show nothing."""

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence

_GROUPS = (
    "AΑА BΒВ CϹС EΕЕ GԌ HΗН I1l|ΙІӀ∣ JͿЈ KΚК MΜϺМ NΝ O0ΟО PΡР SЅ TΤТ UՍ VѴ WԜ XΧХ YΥҮУ ZΖ",
    "aɑαа cϲс dԁ eе hһ iıιі jϳј oοо pρр qԛ rг sѕ uυ vνѵ wԝ x×х yγуү 3ЗӠ 6б",
    "-‐‒–−⁃—― '`´′‘’‛ʹʼ ,‚ .․ /⁄∕ :∶ *∗⁎ ~∼⁓ !ǃ",
    '"“”„‟″',
)
"""Groups of characters that look alike, the commonest first. Latin, Greek, Cyrillic and punctuation are from Unicode
Technical Standard 39 (``confusables.txt``); long dashes and double quotation marks, for which it has sequences, are
not."""

_FIRST = {character: group[0] for row in _GROUPS for group in row.split() for character in group}

_SAME_SHAPE = ("<wide>", "<narrow>", "<font>", "<noBreak>", "<compat>")
"""Compatibility decompositions that keep the shape; superscripts, circled digits and others change it."""

_NAMELESS = {"Cc": "CONTROL CHARACTER", "Co": "PRIVATE USE", "Cs": "SURROGATE"}
"""Names of categories whose characters have none."""

_INVISIBLE = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0"
)
"""Control characters and Unicode's Default_Ignorable_Code_Point, without the joiners U+200C and U+200D and variation
selectors, which change the shapes of their neighbours."""

_WITHOUT_INK = re.compile(f"[{_INVISIBLE}\\s\u2800]")
_WITHOUT_WIDTH = re.compile(f"[{_INVISIBLE}]")
_ENDS = "".join(filter(_WITHOUT_INK.match, map(chr, range(0x10000))))
"""Characters to strip: white space, the blank Braille pattern and invisible characters."""


def strip_ends(text: str) -> str:
    r"""Text without white space and invisible characters at its ends.

    Example:
      >>> strip_ends(" A 1\u200b")
      'A 1'
    """
    return text.strip(_ENDS)


def invisible(text: str) -> list[str]:
    """Characters of a text that take no space and show nothing, such as U+200B and U+FEFF, each one once."""
    return list(dict.fromkeys(_WITHOUT_WIDTH.findall(text)))


def without_invisible(text: str) -> str:
    """Text without the characters that `invisible` finds."""
    return _WITHOUT_WIDTH.sub("", text)


def describe(text: str) -> str:
    r"""Code points and Unicode names of a text's characters.

    Example:
      >>> describe("\u0410")
      'U+0410 CYRILLIC CAPITAL LETTER A'
    """
    return ", ".join(map(_describe_character, text))


def _describe_character(character: str) -> str:
    code, kind = f"U+{ord(character):04X}", unicodedata.category(character)
    name = unicodedata.name(
        character, {"Cc": "CONTROL CHARACTER", "Co": "PRIVATE USE", "Cs": "SURROGATE"}.get(kind, "")
    )
    return code if not name or name.endswith(f"-{ord(character):04X}") else f"{code} {name}"  # ideographs have no names


def skeleton(text: str) -> str:
    """Text with each character replaced by the commonest of its look-alikes; equal for texts that look alike."""
    return "".join(map(_skeleton_of, text))


@functools.cache
def _skeleton_of(character: str) -> str:
    kind, _, parts = unicodedata.decomposition(character).partition(" ")
    if kind in _SAME_SHAPE:
        return skeleton("".join(chr(int(code, 16)) for code in parts.split()))
    return _FIRST.get(character, character)


def look_alike(token: str, tokens: tuple[str, ...]) -> str | None:
    """Another token of ``tokens`` that looks like this one; of several, one of the same category, such as capitals."""
    alike = [other for other in _by_skeleton(tokens).get(skeleton(token), ()) if other != token]
    return next((other for other in alike if _categories(other) == _categories(token)), alike[0] if alike else None)


@functools.lru_cache(maxsize=8)
def _by_skeleton(tokens: tuple[str, ...]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for token in tokens:
        found[skeleton(token)].append(token)
    return dict(found)


def _categories(token: str) -> list[str]:
    return [unicodedata.category(character) for character in token]


def same_digit(token: str, tokens: Sequence[str]) -> str | None:
    """Token of ``tokens`` with the value of this digit of another script, as 0 has that of Arabic U+0660."""
    value = unicodedata.decimal(token, None) if len(token) == 1 else None
    return str(value) if value is not None and str(value) in tokens else None


def groups_that_look_alike(tokens: Iterable[str]) -> list[list[str]]:
    """Groups of two or more of these tokens that look alike, in their order.

    ASCII characters that resemble each other, such as 0 and O, are no group: people tell them apart by their context.
    Beside another script's letter or digit, those of its category are named, or all where there is none.
    """
    found = [_without_other_kinds(group) for group in _by_skeleton(tuple(tokens)).values()]
    return [group for group in found if len(group) > 1]


def _without_other_kinds(group: list[str]) -> list[str]:
    foreign = [token for token in group if not token.isascii()]
    kinds = [_categories(token) for token in foreign]
    alike = [token for token in group if token.isascii() and _categories(token) in kinds]
    kept = {*foreign, *(alike or group)} if foreign else set()
    return [token for token in group if token in kept]
