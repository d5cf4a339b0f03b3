"""Rendered receipt prices: a pure function of seed and index, every label a price, every character on the paper."""

import hashlib
import itertools
import pickle
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.synthetic.receipt_scan import scan
from datasets.synthetic.receipts import Receipts, ReceiptsConfig, _shrink_first, cut_out, draw_face, draw_text, lay_out
from datasets.synthetic.typeface import Face, draw_line
from recog.alphabet import Alphabet

ROOT = Path(__file__).parents[2]
ALPHABET = Alphabet("0123456789.,-$RM ")
PRICE = re.compile(r"(-?(\$ ?|RM ?)?|(\$ ?|RM ?)-)(\d{1,4}|\d,\d{3})\.\d\d")


def source(seed: int = 0, **fields) -> Receipts:
    return Receipts(ReceiptsConfig(seed=seed, **fields))


def digest(stream: Receipts, count: int) -> str:
    found = hashlib.sha256()
    for index in range(count):
        image, text, _ = stream[index]
        found.update(np.asarray(image).tobytes() + text.encode())
    return found.hexdigest()


def test_samples_are_uint8_rgb_of_the_configured_size():
    image, text, origin = source(3)[5]
    assert isinstance(image, np.ndarray)
    assert (image.shape, image.dtype, origin) == ((32, 128, 3), np.uint8, "receipts seed=3 index=5")
    assert PRICE.fullmatch(text)
    assert np.shape(source(height=48, width=200)[0].image) == (48, 200, 3)


def test_samples_are_the_same_in_any_order_thread_copy_and_process():
    expected = digest(source(9), 40)
    backward = source(9)
    for index in reversed(range(40)):
        backward[index]
    assert digest(backward, 40) == expected
    assert digest(pickle.loads(pickle.dumps(source(9))), 40) == expected
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(source(9).__getitem__, range(40)))
    assert all(np.array_equal(one.image, source(9)[index].image) for index, one in enumerate(together))
    program = (
        "import sys; sys.path.insert(0, 'tests/datasets'); import test_receipts_renderer as t;"
        "print(t.digest(t.source(9), 40))"
    )
    other = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert other.stdout.strip() == expected


def test_seeds_give_different_pictures():
    assert len({np.asarray(source(seed)[index].image).tobytes() for seed in range(3) for index in range(30)}) == 90


@pytest.mark.parametrize(
    ("fields", "message"),
    [({"height": 12}, "128x12"), ({"width": 40}, "40x32"), ({"clutter": -0.1}, "clutter"), ({"count": -1}, "count -1")],
)
def test_a_configuration_that_cannot_be_rendered_is_refused(fields: dict, message: str):
    with pytest.raises(ValueError, match=message):
        source(**fields)


def test_labels_are_prices_with_all_that_is_printed_on_receipts():
    texts = [draw_text(np.random.default_rng([1, index])) for index in range(5000)]
    assert all(PRICE.fullmatch(text) for text in texts)
    for text in texts[:500]:
        assert ALPHABET.decode(ALPHABET.encode(text)) == text
    before = Counter(re.split(r"\d", text, maxsplit=1)[0] for text in texts)
    currencies = "$", "RM", "RM ", "$ "
    orders = [(f"-{currency}", f"{currency}-") for currency in currencies]
    assert before.keys() == {"", "-", *currencies, *itertools.chain(*orders)}
    assert all(0.4 < before[one] / (before[one] + before[other]) < 0.6 for one, other in orders if before[one] > 50)
    assert any("," in text for text in texts)
    plain = [text for text in texts if text[0].isdigit()]
    assert 0.5 < len(plain) / len(texts) < 0.7
    assert {len(text.partition(".")[0]) for text in plain} >= {1, 2, 3, 4, 5}
    digits = "".join(texts)
    assert all(digits.count(digit) > 1000 for digit in "0123456789")


@settings(max_examples=300)
@given(st.integers(0, 2**31), st.integers(16, 64), st.sampled_from([0.0, 1.0]))
def test_characters_are_within_the_cut(seed: int, height: int, clutter: float):
    random = np.random.default_rng(seed)
    text = draw_text(random)
    ink, columns = lay_out(text, ReceiptsConfig(height=height, clutter=clutter), random)
    assert len(columns) == len(text.replace(" ", ""))
    assert (np.diff(columns.ravel()) > -0.01).all()
    middles = columns.mean(axis=1)
    assert (middles > 0).all()
    assert (middles < ink.shape[1]).all()
    if clutter:
        return
    assert columns.min() >= -1  # a pixel that ink covers in part
    assert columns.max() <= ink.shape[1] + 1
    for sign, (start, stop) in zip(text.replace(" ", ""), columns.tolist(), strict=True):
        part = ink[:, max(0, int(start)) : int(np.ceil(stop)) + 1]
        # The faintest point in 12,000 texts of height 16: 36 at most, 116 in all; one of two by two pixels has 700.
        assert part.max() > 25, sign
        assert int(part.astype(int).sum()) > 80, sign


def test_clean_pictures_are_dark_ink_on_white_paper():
    for index in range(200):
        image = np.asarray(source(4, clutter=0.0)[index].image)
        assert image.max() == 255
        assert image.min() < 140
        assert np.percentile(image, 80) > 200


def test_clutter_keeps_labels_and_changes_pictures():
    clean, cluttered = source(11, clutter=0.0), source(11)
    for index in range(30):
        assert clean[index].label == cluttered[index].label
        assert not np.array_equal(clean[index].image, cluttered[index].image)


def test_full_clutter_leaves_contrast_in_nearly_all():
    deviations = np.array([np.std(np.asarray(source(6)[index].image)) for index in range(300)])
    assert (deviations > 8).mean() > 0.97


def test_receipts_look_different():
    means = [float(np.mean(np.asarray(source(5)[index].image))) for index in range(300)]
    assert min(means) < 140
    assert max(means) > 235
    assert len({draw_face(np.random.default_rng(seed)).family for seed in range(400)}) == 13


@pytest.mark.parametrize("shape", [(4, 4), (1, 1), (90, 500)])
def test_cuts_of_any_size_can_be_scanned(shape: tuple[int, int]):
    for seed in range(60):
        picture = scan(np.zeros(shape, np.uint8), 1.0, np.random.default_rng(seed))
        assert picture.shape == (*shape, 3)


def test_small_currency_signs_stay_on_the_baseline():
    mask, spans = draw_line("RM1.20", Face("sans"), 6)
    small, moved = _shrink_first(2, mask, spans, 0.5)
    assert len(moved) == len(spans)
    np.testing.assert_array_equal(small[:, moved[2][0] :], mask[:, spans[2][0] :])
    assert moved[2][0] - moved[1][1] == spans[2][0] - spans[1][1]
    rows = [np.flatnonzero(one[:, left : spans[1][1] // 2].max(axis=1) > 128) for one, left in ((small, 0), (mask, 0))]
    assert abs(rows[0][-1] - rows[1][-1]) <= 1
    assert abs(np.ptp(rows[0]) - np.ptp(rows[1]) / 2) <= 1


def test_cuts_leave_most_of_the_last_character():
    digit, face = 30.0, Face("sans")
    mask, spans = draw_line("0.18", face, 6)
    widths = []
    for seed in range(200):
        ink, columns = cut_out(mask, np.array(spans, np.float32), digit, 40, 1.0, np.random.default_rng(seed))
        widths.append((ink.shape[1] - columns[-1][0]) / np.diff(columns[-1]).item())
    assert 0.55 < min(widths) < 0.8
    assert np.mean(np.array(widths) < 1) < 0.15
