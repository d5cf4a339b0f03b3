"""Connectionist temporal classification: loss, decoders and what they are told of a text; Flax-free functions.

Names that need JAX are imported when they are first used, because artifacts are also read without it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from recog.ctc.arpa import load_arpa, save_arpa
from recog.ctc.automaton import Automaton, allow
from recog.ctc.decoder import Decoder
from recog.ctc.hotwords import hotwords_automaton
from recog.ctc.kneser_ney import train as train_ngram
from recog.ctc.lexicon import Lexicon
from recog.ctc.most_probable import most_probable
from recog.ctc.ngram import NgramModel
from recog.ctc.ngram_automaton import ngram_automaton
from recog.ctc.pattern import compile_pattern

if TYPE_CHECKING:
    from recog.ctc.beam import beam_search
    from recog.ctc.beam_decoder import BeamSearch
    from recog.ctc.best_path_decoder import BestPath, best_path
    from recog.ctc.hypotheses import Hypotheses
    from recog.ctc.lexicon_search import LexiconSearch
    from recog.ctc.loss import ctc_loss, feasible, frames_needed

__all__ = [
    "Automaton",
    "BeamSearch",
    "BestPath",
    "Decoder",
    "Hypotheses",
    "Lexicon",
    "LexiconSearch",
    "NgramModel",
    "allow",
    "beam_search",
    "best_path",
    "compile_pattern",
    "ctc_loss",
    "feasible",
    "frames_needed",
    "hotwords_automaton",
    "load_arpa",
    "most_probable",
    "ngram_automaton",
    "save_arpa",
    "train_ngram",
]

_MODULES = {
    "BeamSearch": "beam_decoder",
    "BestPath": "best_path_decoder",
    "Hypotheses": "hypotheses",
    "LexiconSearch": "lexicon_search",
    "beam_search": "beam",
    "best_path": "best_path_decoder",
    "ctc_loss": "loss",
    "feasible": "loss",
    "frames_needed": "loss",
}
"""Modules of the names that need JAX."""


def __getattr__(name: str) -> Any:
    """Imports a name that needs JAX (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
