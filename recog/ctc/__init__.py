"""Connectionist temporal classification: loss and decoders, as Flax-free functions."""

from recog.ctc.beam import beam_search
from recog.ctc.beam_decoder import BeamSearch
from recog.ctc.best_path import BestPath, best_path
from recog.ctc.decoder import Decoder
from recog.ctc.hypotheses import Hypotheses
from recog.ctc.lexicon import Lexicon
from recog.ctc.lexicon_search import LexiconSearch
from recog.ctc.loss import ctc_loss, feasible, frames_needed
from recog.ctc.most_probable import most_probable
from recog.ctc.pattern import compile_pattern

__all__ = [
    "BeamSearch",
    "BestPath",
    "Decoder",
    "Hypotheses",
    "Lexicon",
    "LexiconSearch",
    "beam_search",
    "best_path",
    "compile_pattern",
    "ctc_loss",
    "feasible",
    "frames_needed",
    "most_probable",
]
