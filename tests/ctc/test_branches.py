"""Decoding of branches: alone and composed, or together under an automaton."""

import functools
import re

import jax
import numpy as np
import pytest

from recog.alphabet import PRICE as TOKENS
from recog.alphabet import Alphabet
from recog.composition import compose
from recog.ctc import BeamSearch, BestPath, ctc_loss
from recog.ctc.branches import BranchDecoder
from recog.ctc.guide import TooFewFramesError
from recog.ctc.lexicon import Lexicon
from recog.ctc.lexicon_search import LexiconSearch
from recog.ctc.pattern import compile_pattern
from recog.decoded import Decoded
from recog.structure import PLATE_PARTS, PRICE, WHOLE, Structure

ROWS, FRAMES = 8, 6


def drawn(seed: int, point: bool):
    """Random logits, which only the branch of whole texts reads points from."""
    logits = 2 * np.random.default_rng(seed).standard_normal((ROWS, FRAMES, TOKENS.classes))
    logits[..., TOKENS.encode(".")] -= 0 if point else 30
    return np.float32(logits), np.full(ROWS, FRAMES)


SCORES = {name: drawn(seed, name == "text") for seed, name in enumerate(["integer", "decimal", "no_point", "text"])}
CENTS = compile_pattern(r"\d{1,3}\.\d{2}", TOKENS)


def chosen(structure: Structure):
    return {branch.name: SCORES[branch.name] for branch in structure.branches}


def texts(decoded: Decoded, alphabet: Alphabet = TOKENS) -> list[str]:
    rows = zip(np.asarray(decoded.tokens), np.asarray(decoded.lengths), strict=True)
    return [alphabet.decode(tokens[:length].tolist()) for tokens, length in rows]


def likelihoods(logits, lengths, texts: list[str]) -> np.ndarray:
    """Probabilities of texts by the loss."""
    labels = np.zeros((ROWS, FRAMES), np.int32)
    for row, text in zip(labels, texts, strict=True):
        row[: len(text)] = TOKENS.encode(text)
    return np.exp(-np.asarray(jax.jit(ctc_loss)(logits, lengths, labels, np.array([len(text) for text in texts]))))


ALONE = jax.jit(BeamSearch(beam_width=4))
CUT = PRICE.choose(["integer", "no_point"])
"""A structure that cuts a part from the branch of the whole text."""


@pytest.mark.parametrize(
    ("structure", "decoder", "alone"),
    [(PRICE, BestPath(), jax.jit(BestPath())), (CUT, BeamSearch(beam_width=4), ALONE)],
    ids=["best_path", "beam"],
)
def test_without_an_automaton_each_branch_is_decoded_alone(structure, decoder, alone):
    scores = chosen(structure)
    found = jax.jit(BranchDecoder(structure, TOKENS, decoder))(scores)
    composed = jax.jit(functools.partial(compose, structure, TOKENS))({n: alone(*scores[n]) for n in scores})
    for ours, theirs in zip(found, composed, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_an_automaton_restricts_the_composed_text_and_the_confidence_stays_that_of_composing():
    settings = BeamSearch(beam_width=4, automaton=CENTS)
    found = jax.tree.map(np.asarray, jax.jit(BranchDecoder(PRICE, TOKENS, settings))(SCORES))
    assert all(re.fullmatch(r"\d{1,3}\.\d{2}", text) for text in texts(found))
    read = [text.split(".") for text in texts(found)]
    likely = np.prod(
        [likelihoods(*SCORES[name], [r[i] for r in read]) for i, name in enumerate(("integer", "decimal"))], 0
    )
    whole = ALONE(*SCORES["no_point"])
    agrees = np.array([text.replace(".", "") for text in texts(found)]) == np.array(texts(whole))
    doubt = np.where(agrees, 1.0, 1.0 - np.asarray(whole.confidence))
    np.testing.assert_allclose(found.confidence, likely * doubt, rtol=1e-5)
    for row, text in enumerate(texts(found)):
        point = text.index(".")
        assert found.confidences[row, point] == 1
        assert found.frames[row, point] == found.frames[row, point + 1]


def test_a_text_of_one_branch_is_searched_as_it_is():
    settings = BeamSearch(automaton=CENTS)
    found = jax.jit(BranchDecoder(WHOLE, TOKENS, settings))(chosen(WHOLE))
    alone = jax.jit(settings)(*SCORES["text"])
    assert texts(found) == texts(alone)
    np.testing.assert_allclose(found.confidence, alone.confidence, rtol=1e-5)


def test_parts_by_prefixes_may_be_of_any_length():
    alphabet = Alphabet("京A1")
    random = np.random.default_rng(7)
    names = [branch.name for branch in PLATE_PARTS.branches]
    scores = {n: (np.float32(random.standard_normal((ROWS, 4, 4))), np.full(ROWS, 4)) for n in names}
    decoder = BranchDecoder(PLATE_PARTS, alphabet, BeamSearch(automaton=compile_pattern("京A[A1]{3}", alphabet)))
    assert all(re.fullmatch("京A[A1]{3}", text) for text in texts(jax.jit(decoder)(scores), alphabet))


def test_a_text_that_cannot_fit_is_refused():
    decoder = BranchDecoder(PRICE, TOKENS, BeamSearch(automaton=compile_pattern(r"\d{20}", TOKENS)))
    with pytest.raises(TooFewFramesError, match=r"fits \d+ \+ \d+ frames: allow shorter texts"):
        jax.eval_shape(decoder, SCORES)


def test_a_part_cut_from_the_whole_is_not_searched_under_an_automaton():
    with pytest.raises(ValueError, match="cut from the branch 'no_point'"):
        BranchDecoder(CUT, TOKENS, BeamSearch(automaton=CENTS))


def test_decoders_of_whole_texts_are_refused():
    with pytest.raises(ValueError, match="LexiconSearch decodes whole texts"):
        BranchDecoder(PRICE, TOKENS, LexiconSearch(Lexicon(["1.20"], TOKENS)))
