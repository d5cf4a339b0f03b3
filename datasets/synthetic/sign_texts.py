"""Texts of signs, labels and screens around a word: its case, punctuation, numbers, dates, codes and addresses."""

import string
from collections.abc import Callable

import numpy as np

SIGNS = string.digits + string.ascii_letters + string.punctuation + " "
"""All characters of the texts: printable ASCII."""

_AROUND = ("()", "[]", '""', "''", "<>", "{}", "**", "--", "~~", "||")
_AFTER = (".", ".", ",", ",", "!", "!", "?", ":", ":", ";", "'s", "...", "*", "&", "+", "-")
_BETWEEN = ("-", "-", "/", "&", "'", ".", "_", "+", "@", ":", " & ", " ", " ", " ")
_DATES = ("{d}/{m}/{year}", "{d}.{m}.{year}", "{d}-{m}-{year}", "{d}/{m}", "{year}-{m}-{d}", "{d}/{m}/{y}", "{y}'{m}")
_TIMES = ("{h}:{n}", "{h}.{n}", "{h}:{n}pm", "{h}am", "{h}-{k}", "{h}:{n}-{k}:{n}", "{h}H", "24h")
_AMOUNTS = ("${}.{:02}", "{}.{:02}", "{}%", "{},{:03}", "#{}", "No.{}", "+{}", "-{}", "{}km", "x{}", "({})", "{}=")
_SITES = ("www.{}.com", "{}.com", "{}.org", "{}.net", "@{}", "#{}", "{}@{}.com", "http://{}", "/{}", "{}.co.uk")


def draw_sign(word: str, longest: int, random: np.random.Generator) -> str:
    """Draws a text of 1 to ``longest`` characters of `SIGNS`, without spaces at its ends.

    Args:
      word: word of letters and digits in lower case, which three of four texts show.
      longest: maximum number of characters, at least 1; longer texts are cut.
      random: source of randomness.
    """
    kind = int(np.searchsorted(_ENDS, random.random()))
    text = _KINDS[min(kind, len(_KINDS) - 1)](word, random)[:longest].strip()
    return text or word[:longest]


def in_case(word: str, random: np.random.Generator) -> str:
    """Draws the case of a word: small letters, capitals, an initial capital, capitals inside, or any."""
    kind = random.random()
    if kind < 0.3:
        return word
    if kind < 0.65:
        return word.upper()
    if kind < 0.92:
        return word.capitalize()
    if kind < 0.97:
        place = int(random.integers(1, max(len(word), 2)))
        return word[:place].capitalize() + word[place:].capitalize()
    capitals = (random.random(len(word)) < 0.5).tolist()
    return "".join(sign.upper() if capital else sign for sign, capital in zip(word, capitals, strict=True))


def _dressed(word: str, random: np.random.Generator) -> str:
    """A word with punctuation around or after it, or in two parts."""
    word, kind = in_case(word, random), random.random()
    if kind < 0.25:
        left, right = _one(_AROUND, random)
        return f"{left}{word}{right}" if random.random() < 0.8 else f"{left}{word}"
    if kind < 0.65:
        return word + _one(_AFTER, random)
    place = int(random.integers(1, max(len(word), 2)))
    return word[:place] + _one(_BETWEEN, random) + word[place:]


def _number(word: str, random: np.random.Generator) -> str:
    del word
    size = int(random.integers(1, 7))
    digits = "".join(map(str, random.integers(0, 10, size).tolist()))
    if random.random() < 0.4:
        return digits
    return _one(_AMOUNTS, random).format(int(digits), int(random.integers(100)))


def _date(word: str, random: np.random.Generator) -> str:
    del word
    form = _one(_DATES if random.random() < 0.6 else _TIMES, random)
    year, hours = int(random.integers(1950, 2031)), random.integers(1, 13, 2).tolist()
    day, month, minute = (f"{int(random.integers(low, high)):02}" for low, high in ((1, 32), (1, 13), (0, 60)))
    return form.format(d=day, m=month, year=year, y=f"{year % 100:02}", h=hours[0], k=hours[1], n=minute)


def _code(word: str, random: np.random.Generator) -> str:
    """Groups of capitals and digits, such as those of bays, gates and products."""
    del word
    groups = []
    for _ in range(int(random.integers(1, 4))):
        signs = string.ascii_uppercase if random.random() < 0.5 else string.digits
        groups.append("".join(_one(signs, random) for _ in range(int(random.integers(1, 5)))))
    return _one(("", "", "-", "-", "/", ".", " "), random).join(groups)


def _site(word: str, random: np.random.Generator) -> str:
    word = word if random.random() < 0.7 else in_case(word, random)
    return _one(_SITES, random).replace("{}", word)


def _anything(word: str, random: np.random.Generator) -> str:
    return "".join(_one(SIGNS, random) for _ in range(min(len(word), 8)))


def _one(choices, random: np.random.Generator) -> str:
    return choices[int(random.integers(len(choices)))]


_SHARES: dict[Callable[[str, np.random.Generator], str], float] = {
    in_case: 0.6,
    _dressed: 0.13,
    _number: 0.08,
    _date: 0.06,
    _code: 0.07,
    _site: 0.03,
    _anything: 0.03,
}
_KINDS, _ENDS = tuple(_SHARES), np.cumsum(list(_SHARES.values()))
