"""Texts of receipt lines: labels, amounts, dates, codes, addresses and items, of 3 to 24 characters.

Half of the words are receipt words, the others are made of letters at random, so that a reader learns characters rather
than words. Numbers are random.
"""

import re
from collections.abc import Callable

import numpy as np

SIGNS = "!\"#$%&'()*+,-./:<=>?@[\\]_|"
"""Characters of lines beside digits, capitals and spaces."""
SHORTEST, LONGEST = 3, 24
"""Minimum and maximum number of characters of a line."""

_WORDS = """
    TOTAL CASH CHANGE AMOUNT TAX GST INVOICE QTY ITEM ITEMS PRICE DATE TIME CASHIER ROUNDING SUBTOTAL SUB DISCOUNT
    RECEIPT SUMMARY BALANCE PAYMENT PAID DUE CODE DESCRIPTION UNIT AMT DISC NO REG ID TEL FAX BILL TABLE COUNTER STORE
    SHOP MEMBER POINTS CARD CREDIT DEBIT VISA REF NUMBER ORDER SALES SALE PERSON STAFF SERVED BY THANK YOU PLEASE COME
    AGAIN GOODS SOLD ARE NOT RETURNABLE EXCHANGE WITHIN DAYS WITH THE OF FOR AND TO INCL EXCL INCLUSIVE ADJUSTMENT ADJ
    NETT NET GRAND PAYABLE TENDER RECEIVED RM SDN BHD ENTERPRISE TRADING RESTAURANT CAFE BAKERY HARDWARE MART MARKET
    STATIONERY PHARMACY COMPANY CENTRE SERVICE CHARGE SUPPLIES STANDARD RATED ZERO RATE TYPE COPY CUSTOMER OPERATOR
    TERMINAL SERIAL DOC PAX GUEST WAITER COVER TAKE AWAY DINE IN OUT OPEN CLOSE DAILY OFFICE WELCOME SAVING VOUCHER
    COUPON GIFT FREE PROMO SET LARGE SMALL REGULAR HOT ICED COLD TEA COFFEE MILK RICE CHICKEN FISH BEEF NOODLE SOUP EGG
    BREAD CAKE SUGAR SALT WATER JUICE SODA BEER ICE CREAM FRUIT APPLE ORANGE PAPER PEN BOOK GLUE TAPE BOX BAG BOTTLE
    CAN PACK BRUSH SCREW PAINT CABLE LAMP BATTERY SOAP TISSUE OIL PUMP FUEL PARKING TICKET BLACK WHITE RED BLUE GREEN
    FRESH SPECIAL NASI GORENG AYAM IKAN MEE TEH TARIK KOPI ROTI AIR KEDAI BUKU JALAN TAMAN LORONG BANDAR KAMPUNG LOT
    BLOK TINGKAT JUMLAH TUNAI BAKI HARGA CUKAI TARIKH MASA TERIMA KASIH SILA DATANG LAGI KUALA LUMPUR SELANGOR JOHOR
    BAHRU PENANG MELAKA PERAK KEDAH MALAYSIA ROAD STREET AVENUE FLOOR GROUND BUILDING PLAZA MALL CITY PARK
    EMAIL WEBSITE CONTACT CALL HOTLINE FEEDBACK SURVEY LICENSEE COMPUTER GENERATED SIGNATURE REQUIRED VALID PURPOSE
""".split()  # noqa: SIM905
_LETTERS = "EEEEEEAAAAAAAATTTTTTTOOOOOIIIIINNNNNSSSSSRRRRRLLLLCCCCMMMMUUUDDDGGGHHHPPPYYBBKKFFVVWWXXJJQZ"
_VOWELS, _CONSONANTS = "AEIOU", "BCCDDFGGHHJKLLLMMMNNNNPPRRRRSSSSTTTTTVWYZ"
_AFTER = (
    *(":", " :", ":", " :", ":", " :", "(RM)", " (RM)", "(RM)", " (RM)", "($)", ".", "#", " NO.", " NO:", " NO. :"),
    *("!", "...", " *", "%", ",", " =", "(S)", "(S) :", " RM", " (S)", " (GST)", " %", "?"),
)
_BETWEEN = ("/", "-", ". ", ", ", " & ", " & ", "&", ".&.", ".", "'S ", "(", " (", ") ", " + ", "@", " @ ", "_")
_CODES = ("SR", "S", "Z", "T", "ZR", "ZRL", "SR", "TX", "*", "RM", "%")
_TITLES = (
    "TEL",
    "FAX",
    "GST ID",
    "GST NO",
    "GST REG",
    "REG",
    "INV NO",
    "INVOICE",
    "RECEIPT #",
    "BILL",
    "DOC NO",
    "REF",
)
_DRESSES = (
    *(("(", ")"), ("(", ")"), ("(", ")"), ("-", "-"), ("*", "*"), ("** ", " **"), ("[", "]"), ("<", ">"), ('"', "")),
    *((": ", ""), (": ", ""), ("*", ""), ("#", ""), ("- ", ""), ("--", "--"), ("'", ""), ("@", ""), ("", "|")),
    *((". ", ""), ("=", "=")),
)
_UNITS = ("X", "X", "X", "@", "PCS", "PKT", "UNIT", "KG", "L", "GM", "ML", "BOX", "PC")
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")


def draw_text(shortest: int, longest: int, random: np.random.Generator) -> str:
    """Draws a line in capitals with ``shortest`` to ``longest`` characters, without spaces at the ends or in pairs."""
    for _ in range(60):
        line = re.sub(" +", " ", _KINDS[int(np.searchsorted(_ENDS, random.random() * _ENDS[-1]))](random)).strip()
        if len(line) > longest and random.random() < 0.5:  # as a box around part of a line
            line = line[:longest].strip()
        if shortest <= len(line) <= longest:
            return line
    return _digits(int(random.integers(shortest, longest + 1)), random)


def _one(choices, random: np.random.Generator):
    return choices[int(random.integers(len(choices)))]


def _digits(count: int, random: np.random.Generator) -> str:
    """Draws digits, sometimes with many zeros in front, as serial numbers have."""
    text = "".join(map(str, random.integers(0, 10, count).tolist()))
    zeros = int(random.integers(0, count)) if random.random() < 0.3 else 0
    return "0" * zeros + text[zeros:]


def _some(most: int, random: np.random.Generator) -> str:
    return _digits(int(random.integers(1, most + 1)), random)


def _word(random: np.random.Generator) -> str:
    kind, size = random.random(), int(random.integers(2, 10))
    if kind < 0.5:
        return _one(_WORDS, random)
    if kind < 0.75:
        return "".join(_one(_VOWELS if (place + size) % 2 else _CONSONANTS, random) for place in range(size))
    return "".join(_one(_LETTERS, random) for _ in range(size))


def _words(random: np.random.Generator) -> str:
    count = 1 + int(np.searchsorted((0.45, 0.78, 0.93), random.random()))
    words = [_word(random) for _ in range(count)]
    between = " " if random.random() < 0.85 else _one(_BETWEEN, random)
    return between.join(words)


def _label(random: np.random.Generator) -> str:
    return _words(random) + _one(_AFTER, random)


def _dressed(random: np.random.Generator) -> str:
    """Draws words in brackets, rules, stars or quotes."""
    before, after = _one(_DRESSES, random)
    return before + _words(random) + after


def _rule(random: np.random.Generator) -> str:
    return _one("***-=._#+>", random) * int(random.integers(3, 12))


def _amount(random: np.random.Generator) -> str:
    whole = _some(4, random).lstrip("0") or "0"
    if len(whole) > 3 and random.random() < 0.5:
        whole = f"{whole[:-3]},{whole[-3:]}"
    cents = _digits(_one((2, 2, 2, 2, 2, 2, 1, 3, 4), random), random)
    if random.random() < 0.5:
        cents = cents[0] + "0" * (len(cents) - 1)
    sign = _one(("", "", "", "", "-", "RM", "RM ", "$"), random)
    return f"{sign}{'' if random.random() < 0.04 else whole}.{cents}"


def _priced(random: np.random.Generator) -> str:
    between = " " if random.random() < 0.6 else ""
    return _amount(random) + between + _one(_CODES, random)


def _quantity(random: np.random.Generator) -> str:
    unit, rest = _one(_UNITS, random), random.random()
    between = " " if random.random() < 0.8 else ""
    tail = (
        _amount(random) if rest < 0.5 else _word(random) if rest < 0.65 else _digits(13, random) if rest < 0.72 else ""
    )
    return f"{_some(3, random)}{between}{unit} {tail}"


def _date(random: np.random.Generator) -> str:
    day, month = f"{int(random.integers(1, 32)):02d}", int(random.integers(1, 13))
    year, kind = int(random.integers(2005, 2030)), random.random()
    if kind < 0.15:
        between = _one((" ", "-", "/"), random)
        return f"{day}{between}{_MONTHS[month - 1]}{between}{year}"
    between = _one("///--.", random)
    parts = [day, f"{month:02d}", str(year) if random.random() < 0.8 else f"{year % 100:02d}"]
    return between.join(parts[::-1] if kind > 0.9 else parts)


def _time(random: np.random.Generator) -> str:
    hour, minute, second = random.integers((0, 0, 0), (24, 60, 60)).tolist()
    text = f"{hour:02d}" if random.random() < 0.8 else f"{hour % 12}"
    text += f":{minute:02d}" + (f":{second:02d}" if random.random() < 0.55 else "")
    return text + _one(("", "", "", " PM", " AM", "PM", "AM"), random)


def _moment(random: np.random.Generator) -> str:
    kind = random.random()
    if kind < 0.3:
        return _date(random)
    if kind < 0.5:
        return _time(random)
    if kind < 0.6:
        return f"{_date(random)} ({_one(_DAYS, random)})"
    if kind < 0.8:
        return f"{_date(random)} {_time(random)}"
    title = _one(("DATE", "TIME", "", ""), random) + _one((":", ": ", " : ", " "), random)
    return title + (_time(random) if title.startswith("T") else _date(random))


def _code(random: np.random.Generator) -> str:
    """Draws a code of digits and letters, with or without a prefix, dashes, brackets or a last letter."""
    parts = [
        _digits(int(random.integers(1, 8)), random)
        for _ in range(1 + int(np.searchsorted((0.5, 0.8), random.random())))
    ]
    if random.random() < 0.5:
        parts[0] = "".join(_one(_LETTERS, random) for _ in range(int(random.integers(1, 5)))) + parts[0]
    if random.random() < 0.25:
        parts.append(_one(_LETTERS, random))
    text = _one(("-", "-", "-", " ", "/", "- ", " - ", ".", "_"), random).join(parts)
    kind = random.random()
    return f"({text})" if kind < 0.12 else f"#{text}" if kind < 0.17 else f"{text}," if kind < 0.2 else text


def _number(random: np.random.Generator) -> str:
    return _digits(int(random.integers(3, 15)), random)


def _mixed(random: np.random.Generator) -> str:
    """Draws words and numbers, such as names of items with their sizes."""
    number = _one((_number, _code, _some_digits, _some_digits, _amount), random)(random)
    parts = [_words(random), number + _one(("", "", "", "G", "ML", "KG", "CM", "'S", "PCS", "%", ","), random)]
    return _one((" ", " ", " ", "", "-", "X", "#"), random).join(parts if random.random() < 0.5 else parts[::-1])


def _some_digits(random: np.random.Generator) -> str:
    return _some(4, random)


def _telephone(random: np.random.Generator) -> str:
    area, size = _digits(_one((2, 3), random), random), _one((4, 7, 8), random)
    country = "+6" if random.random() < 0.15 else ""
    last = f" {_digits(4, random)}" if random.random() < 0.3 else ""
    return f"{country}{area}{_one('- ', random)}{_digits(size, random)}{last}"


def _titled(random: np.random.Generator) -> str:
    """Draws a title and its number, such as a telephone or a tax number."""
    which, kind = random.random(), random.random()
    title = "" if which < 0.1 else _one(_TITLES, random) if which < 0.6 else _words(random)
    between = _one((":", ": ", " : ", " :", ".", ". ", " ", "# ", " #", "=", ".: "), random)
    if kind < 0.3:
        return title + between + _digits(12, random)
    if kind < 0.55:
        return title + between + _telephone(random)
    draw = _one((_code, _number, _amount, _word, _some_digits, _date, _time, _moment), random)
    return title + between + draw(random)


def _tax(random: np.random.Generator) -> str:
    rate = _one(("6", "6", "0", "10", "5", "6.00", "6.0", _some(2, random)), random) + _one(("%", "%", " %"), random)
    name = _one((*_CODES, "GST", "TAX", "DISC", "SERVICE CHARGE", ""), random)
    between = _one((" @ ", " @", " ", "@", " = ", " ("), random)
    after = _one(("", "", "", ":", f": {_amount(random)}", " SUPPLIES", f" {_word(random)}"), random)
    return name + between + rate + (")" if between == " (" else after)


def _address(random: np.random.Generator) -> str:
    kind = random.random()
    if kind < 0.35:
        return f"{_digits(5, random)} {_words(random)}{_one(('', ',', '.', ', ' + _word(random)), random)}"
    road = _one(("JALAN", "JLN", "TAMAN", "TMN", "LORONG", "BANDAR", "NO.", "NO", "LOT"), random)
    house = f"{_some(3, random)}{_one(('', '', '/' + _some(2, random), _one('ABCG', random)), random)}"
    name, after = _word(random) if random.random() < 0.7 else "", _one(("", ",", f", {_word(random)}", " &"), random)
    return f"{road} {name} {house}{after}"


def _web(random: np.random.Generator) -> str:
    host = f"{_word(random)}.COM{_one(('', '.MY'), random)}"
    return _one(
        (f"WWW.{host}", f"{_word(random)}@{host}", f"E-MAIL: {_word(random)}", f"{_word(random)}.{_word(random)}"),
        random,
    )


def _any(random: np.random.Generator) -> str:
    """Draws characters at random, so that rare ones and rare neighbours are learnt."""
    signs = _one(
        ("0123456789 ", _LETTERS + " ", SIGNS + "0123456789" + _LETTERS + "   ", SIGNS + "   0123456789" + _LETTERS),
        random,
    )
    return "".join(_one(signs, random) for _ in range(int(random.integers(3, 17))))


_SHARES: dict[Callable[[np.random.Generator], str], float] = {
    _words: 0.23, _label: 0.18, _dressed: 0.05, _rule: 0.006, _amount: 0.03, _priced: 0.04, _quantity: 0.05,
    _moment: 0.08, _code: 0.06, _number: 0.03, _mixed: 0.07, _titled: 0.13, _tax: 0.03, _address: 0.04, _web: 0.01,
    _any: 0.06,
}  # fmt: skip
_KINDS, _ENDS = tuple(_SHARES), np.cumsum(tuple(_SHARES.values()))
