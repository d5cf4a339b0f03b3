"""Connectionist temporal classification: loss, decoders and what they are told of a text; Flax-free functions."""

from recog.ctc.arpa import load_arpa, save_arpa
from recog.ctc.automaton import Automaton, allow
from recog.ctc.beam import beam_search
from recog.ctc.beam_decoder import BeamSearch
from recog.ctc.best_path import BestPath, best_path
from recog.ctc.decoder import Decoder
from recog.ctc.hotwords import hotwords_automaton
from recog.ctc.hypotheses import Hypotheses
from recog.ctc.kneser_ney import train as train_ngram
from recog.ctc.lexicon import Lexicon
from recog.ctc.lexicon_search import LexiconSearch
from recog.ctc.loss import ctc_loss, feasible, frames_needed
from recog.ctc.most_probable import most_probable
from recog.ctc.ngram import NgramModel
from recog.ctc.ngram_automaton import ngram_automaton
from recog.ctc.pattern import compile_pattern

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
