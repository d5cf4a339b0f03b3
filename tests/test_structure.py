"""Cutting texts into parts and composing them again, against plain Python on lists of characters."""

import itertools
import math
from typing import Any

import hypothesis
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import strategies as st
from jax import export

from recog.alphabet import DIGITS, Alphabet
from recog.codecs import TextCodec
from recog.composition import compose, split, targets
from recog.decoded import Decoded
from recog.structure import PLATE_FULL, PLATE_PARTS, PRICE, WHOLE, Branch, Structure

TOKENS = "01.-京A"
FIRST, LAST = Alphabet(TOKENS), Alphabet(TOKENS, blank="last")
SLOTS, ROWS = 8, 4
ALL = Structure((*PLATE_PARTS.branches, Branch("all")), prefixes=(1, 2))
SUBSETS = [
    pytest.param(structure.choose(names), id="+".join(names))
    for structure in (PRICE, PLATE_PARTS, PLATE_FULL, WHOLE)
    for size in range(1, len(structure.branches) + 1)
    for names in itertools.combinations([branch.name for branch in structure.branches], size)
] + [pytest.param(ALL.choose(names), id="+".join(names)) for names in (["city", "all"], ["province", "number", "all"])]

compiled_split = jax.jit(split, static_argnums=(0, 1))
compiled_compose = jax.jit(compose, static_argnums=(0, 1))
compiled_targets = jax.jit(targets, static_argnums=(0, 1))

prices = st.from_regex(r"-?[01]{0,3}(\.[01]{0,2}){0,2}", fullmatch=True).filter(lambda text: len(text) <= SLOTS)
plates = st.from_regex(r"[京01]?A?[A01]{0,5}", fullmatch=True)
labels_of_a_batch = st.lists(prices | plates | st.text(TOKENS, max_size=SLOTS), min_size=ROWS, max_size=ROWS)
alphabets = st.sampled_from([FIRST, LAST])
confidences = st.floats(0.125, 0.875, width=32)


def plain_parts(structure, text):
    """The parts of a text: a string or a list of characters with what belongs to them."""
    if structure.separator:
        points = [n for n, x in enumerate(text) if x == structure.separator]
        return [text[: points[-1]], text[points[-1] + 1 :]] if points else [text, text[:0]]
    ends = [0, *itertools.accumulate(structure.prefixes), None]
    return [text[start:end] for start, end in itertools.pairwise(ends)]


def plain_split(structure, text):
    parts = plain_parts(structure, text)
    return {b.name: "".join(parts) if b.part is None else parts[b.part] for b in structure.branches}


def plain_compose(structure, read):
    """Characters (token, confidence, frame) and confidence, from those that each branch has read."""
    own = {b.part: read[b.name] for b in structure.branches if b.part is not None}
    whole = next((read[b.name] for b in structure.branches if b.part is None), None)
    if not own:
        return whole
    confidence = math.prod(one for _, one in own.values())
    missing = [part for part in range(structure.parts) if part not in own]
    parts, start = [], 0
    for part in range(structure.parts):
        if part in own:
            parts.append(own[part][0])
            start += len(parts[-1])
        elif whole and part == missing[-1]:
            after = sum(len(own[p][0]) for p in own if p > part)
            parts.append(whole[0][start : max(len(whole[0]) - after, 0)])
        elif whole:
            parts.append(whole[0][start : start + structure.prefixes[part]])
            start += structure.prefixes[part]
    if whole and missing:
        confidence *= whole[1]
    elif whole and [token for part in parts for token, *_ in part] != [token for token, *_ in whole[0]]:
        confidence *= 1 - whole[1]
    if structure.separator and len(parts) == 2 and parts[1]:
        parts.insert(1, [(structure.separator, 1.0, parts[1][0][2])])
    return [*itertools.chain(*parts)], confidence


def encode(alphabet, batch):
    """Labels with the separator where they are padded, so that reading it there would be seen."""
    labels = np.full((len(batch), SLOTS), alphabet.encode(".")[0])
    for row, text in enumerate(batch):
        labels[row, : len(text)] = alphabet.encode(text)
    return labels, np.array([len(text) for text in batch], np.int32)


def decoded(alphabet, rows, slots=SLOTS) -> Any:
    """What branches return, from characters (token, confidence, frame) and a confidence for each row."""
    arrays: Any = (
        np.zeros((len(rows), slots), np.int32),
        np.array([len(characters) for characters, _ in rows], np.int32),
        np.zeros((len(rows), slots), np.float32),
        np.full((len(rows), slots), -1, np.int32),
        np.array([confidence for _, confidence in rows], np.float32),
    )
    read = Decoded(*arrays)
    for row, (characters, _) in enumerate(rows):
        for slot, (token, confidence, frame) in enumerate(characters):
            read.tokens[row, slot] = alphabet.encode(token)[0]
            read.confidences[row, slot] = confidence
            read.frames[row, slot] = frame
    return read


def surely(alphabet, *rows: str, confidence: float = 1.0):
    """A branch's readings of these texts."""
    return decoded(alphabet, [([(token, 1.0, n) for n, token in enumerate(text)], confidence) for text in rows])


def first_text(alphabet, read: Decoded) -> str:
    """The text of the first row."""
    return TextCodec(alphabet).readings(read._asdict())[0].text


def strings(alphabet, tokens, lengths):
    return ["".join(map(alphabet.decode, [row[:n]])) for row, n in zip(np.asarray(tokens), lengths, strict=True)]


def readings(structure, text, rng):
    """What each branch makes of a text: mostly what it is to read, else anything. Characters and confidence."""

    def characters(truth):
        read = truth if rng.random() < 0.7 else rng.choice(list(TOKENS), rng.integers(0, SLOTS + 1))
        return [(str(token), rng.uniform(0.1, 0.9), int(rng.integers(0, 25))) for token in read]

    return {name: (characters(truth), rng.uniform(0.1, 0.9)) for name, truth in plain_split(structure, text).items()}


@pytest.mark.parametrize("structure", SUBSETS)
@hypothesis.settings(max_examples=25)
@hypothesis.given(alphabets, labels_of_a_batch)
def test_splits_as_python_does_and_composes_what_it_split(structure, alphabet, batch):
    labels, lengths = encode(alphabet, batch)
    parts = jax.tree.map(np.asarray, compiled_split(structure, alphabet, labels, lengths))
    expected = [plain_split(structure, text) for text in batch]
    for name, (tokens, ends) in parts.items():
        assert tokens.shape == labels.shape
        assert not tokens[np.arange(SLOTS) >= ends[:, None]].any()
        assert strings(alphabet, tokens, ends) == [row[name] for row in expected]
    perfect = {name: surely(alphabet, *(row[name] for row in expected)) for name in parts}
    composed: Any = compiled_compose(structure, alphabet, perfect)
    tokens, ends = compiled_targets(structure, alphabet, labels, lengths)
    assert tokens.shape == labels.shape
    assert strings(alphabet, tokens, ends) == strings(alphabet, composed.tokens, composed.lengths)
    assert composed.equals(tokens, ends).all()
    np.testing.assert_array_equal(composed.confidence, 1.0)
    if structure.complete:
        ending = structure.separator
        assert strings(alphabet, tokens, ends) == [text.removesuffix(ending) if ending else text for text in batch]


@pytest.mark.parametrize("structure", SUBSETS)
@hypothesis.settings(max_examples=25)
@hypothesis.given(alphabets, labels_of_a_batch, st.integers(0, 2**32 - 1))
def test_composes_any_readings_as_python_does(structure, alphabet, batch, seed):
    rng = np.random.default_rng(seed)
    rows = [readings(structure, text, rng) for text in batch]
    read = {branch.name: decoded(alphabet, [row[branch.name] for row in rows]) for branch in structure.branches}
    composed = jax.tree.map(np.asarray, compiled_compose(structure, alphabet, read))
    plain = [plain_compose(structure, row) for row in rows]
    slots = composed.tokens.shape[1]
    expected = decoded(alphabet, plain, slots)
    for ours, theirs in zip(composed, expected, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.shape == theirs.shape
    np.testing.assert_array_equal(composed.tokens, expected.tokens)
    np.testing.assert_array_equal(composed.lengths, expected.lengths)
    np.testing.assert_array_equal(composed.confidences, expected.confidences)
    np.testing.assert_array_equal(composed.frames, expected.frames)
    np.testing.assert_allclose(composed.confidence, expected.confidence, rtol=1e-5)


@pytest.mark.parametrize(
    ("branches", "price"),
    [
        ({"integer": "79", "decimal": "99"}, "79.99"),
        ({"integer": "79", "no_point": "7999"}, "79.99"),
        ({"decimal": "99", "no_point": "7999"}, "79.99"),
        ({"integer": "79", "decimal": "99", "no_point": "7999"}, "79.99"),
        ({"integer": "79", "decimal": ""}, "79"),
        ({"integer": "", "decimal": "99"}, ".99"),
        ({"integer": "79", "no_point": "79"}, "79"),
        ({"integer": "79999", "no_point": "7999"}, "79999"),  # longer than both parts together
        ({"decimal": "79999", "no_point": "7999"}, ".79999"),
        ({"integer": "79"}, "79"),
        ({"no_point": "7999"}, "7999"),
    ],
)
def test_prices(branches, price):
    alphabet = Alphabet("0123456789.")
    read = {name: surely(alphabet, text) for name, text in branches.items()}
    assert first_text(alphabet, compose(PRICE.choose(branches), alphabet, read)) == price


def test_a_plate_without_its_province_branch_takes_it_from_the_full_one():
    read = {"alphanumerics": surely(FIRST, "A0101"), "full": surely(FIRST, "京A0111")}
    assert first_text(FIRST, compose(PLATE_FULL.choose(read), FIRST, read)) == "京A0101"


@hypothesis.settings(max_examples=50)
@hypothesis.given(confidences, confidences, confidences)
def test_a_third_reading_that_differs_lowers_the_confidence_and_changes_nothing_else(integer, decimal, no_point):
    read = {
        "integer": surely(FIRST, "10", "10", "10", confidence=integer),
        "decimal": surely(FIRST, "01", "01", "01", confidence=decimal),
        "no_point": surely(FIRST, "1001", "100", "1011", confidence=no_point),
    }
    composed: Any = compiled_compose(PRICE, FIRST, read)
    assert strings(FIRST, composed.tokens, composed.lengths) == ["10.01"] * 3
    agreed, *differing = composed.confidence.tolist()
    assert agreed == pytest.approx(integer * decimal, rel=1e-5)
    assert differing == pytest.approx([agreed * (1 - no_point)] * 2, rel=1e-5)
    assert max(differing) < agreed


def test_the_separator_has_the_frame_of_the_token_after_it():
    integer = decoded(FIRST, [([("1", 0.5, 3)], 0.5), ([("1", 0.5, 3)], 0.5)])
    decimal = decoded(FIRST, [([("0", 0.75, 7), ("1", 0.25, 9)], 0.25), ([], 0.5)])
    composed = compose(PRICE.choose(["integer", "decimal"]), FIRST, {"integer": integer, "decimal": decimal})
    assert composed.frames[:, :5].tolist() == [[3, 7, 7, 9, -1], [3, -1, -1, -1, -1]]
    assert composed.confidences[:, :5].tolist() == [[0.5, 1.0, 0.75, 0.25, 0.0], [0.5, 0.0, 0.0, 0.0, 0.0]]


@pytest.mark.parametrize("structure", [PRICE, PLATE_FULL.choose(["chinese", "full"])], ids=["price", "plate"])
def test_exports_with_a_symbolic_batch(structure):
    (batch,) = export.symbolic_shape("b")

    def read_again(labels, lengths):
        parts = split(structure, FIRST, labels, lengths)
        ones = {name: jnp.ones(tokens.shape) for name, (tokens, _) in parts.items()}
        read = {name: Decoded(*parts[name], one, parts[name][0], one[:, 0]) for name, one in ones.items()}
        return compose(structure, FIRST, read)

    shapes = [jax.ShapeDtypeStruct(shape, jnp.int32) for shape in ((batch, SLOTS), (batch,))]
    exported = export.export(jax.jit(read_again))(*shapes)
    for rows in (1, 3):
        labels, lengths = (jnp.asarray(x, jnp.int32) for x in encode(FIRST, ["10.01", "京A01", ""][:rows]))
        read: Any = exported.call(labels, lengths)
        assert strings(FIRST, read.tokens, read.lengths) == ["10.01", "京A01", ""][:rows]


def test_what_subsets_tell():
    names = {"integer": False, "decimal": False, "no_point": False}
    assert {n: PRICE.choose([n]).complete for n in names} == names
    assert all(PRICE.choose(pair).complete for pair in itertools.combinations(names, 2))
    assert not any(PRICE.choose(pair).auxiliary for pair in itertools.combinations(names, 2))
    assert PRICE.complete
    assert PRICE.auxiliary == "no_point"
    assert PLATE_FULL.choose(["full"]).complete
    assert PLATE_FULL.choose(["full"]).auxiliary is None
    assert not PLATE_PARTS.choose(["province", "number"]).complete
    assert WHOLE.complete
    assert PRICE.choose(["no_point", "integer"]).branches == (Branch("integer", 0), Branch("no_point"))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: PRICE.choose(["integer", "dot"]), "no branch 'dot': choose among integer, decimal, no_point"),
        (lambda: PRICE.choose([]), "at least one branch"),
        (lambda: Structure((Branch("a"),), ".", (1,)), "both divide"),
        (lambda: Structure((Branch("a"),), prefixes=(1, 0)), "1 or more tokens"),
        (lambda: Structure((Branch("a", 0), Branch("a", 1)), "."), "must be unique"),
        (lambda: Structure((Branch("a", 0), Branch("b", 0)), "."), "must be unique"),
        (lambda: Structure((Branch("a", 2),), "."), "parts from 0 to 1"),
        (lambda: split(PRICE, DIGITS, jnp.zeros((1, 3), int), jnp.zeros(1, int)), r"separator '\.' is not a token"),
    ],
)
def test_what_makes_no_structure_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
