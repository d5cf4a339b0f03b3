"""Beam searches that are compared: ours, and those of fast-ctc-decode (Rust) and ctc-beam-decoder (C++).

Rivals decode one picture a call, in one thread: threads of Python do not make them faster (fast-ctc-decode holds the
interpreter's lock, ctc-beam-decoder spends its time around it). They are given probabilities and log probabilities that
are computed beforehand; ours computes its own from logits.
"""

import functools
import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from launch.benchmarks.beam_problem import Shape
from recog.ctc import beam_search

FIRST_LETTER = 0x4E00
"""Code point of the letter that stands for class 0: all letters are printable and distinct, none is a space."""
LIMITED = "ctc-beam*"
"""Name of ctc-beam-decoder with its default limits."""
INSTALL = {"fast_ctc_decode": "fast-ctc-decode", "ctc_beam_decoder": "ctc-beam-decoder"}
"""Modules of rivals, and the packages that hold them."""


class BeamContestant(NamedTuple):
    """One implementation, bound to a batch."""

    name: str
    run: Callable[[], object]
    """Decodes the batch and waits for it."""
    texts: Callable[[], list[tuple[int, ...]]]
    """Decodes the batch; returns the tokens of each picture's best text."""


def missing() -> list[str]:
    """Packages of rivals that are not installed."""
    return [package for module, package in INSTALL.items() if not importlib.util.find_spec(module)]


def make_contestants(logits: np.ndarray, shape: Shape) -> list[BeamContestant]:
    """Ours, and the rivals that are installed."""
    field = [_ours(logits, shape)]
    if importlib.util.find_spec("fast_ctc_decode"):
        field.append(_fast_ctc_decode(logits, shape))
    if importlib.util.find_spec("ctc_beam_decoder"):
        field += [_ctc_beam_decoder(logits, shape, limited) for limited in (False, True)]
    return field


def _ours(logits: np.ndarray, shape: Shape) -> BeamContestant:
    lengths = np.full(shape.B, shape.T, np.int32)
    program = jax.jit(functools.partial(beam_search, beam_width=shape.W)).lower(logits, lengths).compile()
    arguments = jnp.asarray(logits), jnp.asarray(lengths)

    def texts() -> list[tuple[int, ...]]:
        found = jax.tree.map(np.asarray, program(*arguments))
        return [tuple(row[:n].tolist()) for row, n in zip(found.tokens[:, 0], found.lengths[:, 0], strict=True)]

    return BeamContestant("recog", lambda: jax.block_until_ready(program(*arguments)), texts)


def _rival(name: str, decode: Callable[[np.ndarray], str], pictures: np.ndarray) -> BeamContestant:
    def run() -> list[str]:
        return [decode(picture) for picture in pictures]

    return BeamContestant(name, run, lambda: [tuple(ord(letter) - FIRST_LETTER for letter in text) for text in run()])


def _letters(classes: int) -> list[str]:
    return [chr(FIRST_LETTER + number) for number in range(classes)]


def _fast_ctc_decode(logits: np.ndarray, shape: Shape) -> BeamContestant:
    # Optional: competes where it is installed. Its functions are compiled, unknown to pyright.
    from fast_ctc_decode import beam_search as search  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

    letters = _letters(shape.K)
    probabilities = np.asarray(jax.nn.softmax(logits))
    return _rival(
        "fast-ctc",
        lambda picture: search(picture, letters, beam_size=shape.W)[0],
        probabilities,
    )


def _ctc_beam_decoder(logits: np.ndarray, shape: Shape, limited: bool) -> BeamContestant:
    import ctc_beam_decoder  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed

    decoder = ctc_beam_decoder.build_ctcdecoder(["", *_letters(shape.K)[1:]])
    unlimited = {"token_min_logp": -1e30, "beam_prune_logp": -1e30}
    decode = functools.partial(decoder.decode, beam_width=shape.W, **({} if limited else unlimited))
    return _rival(LIMITED if limited else "ctc-beam", decode, np.asarray(jax.nn.log_softmax(logits)))
