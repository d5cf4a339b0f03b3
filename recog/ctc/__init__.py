"""Connectionist temporal classification: loss and decoders, as Flax-free functions."""

from recog.ctc.beam import beam_search
from recog.ctc.beam_decoder import BeamSearch
from recog.ctc.best_path import BestPath, best_path
from recog.ctc.decoder import Decoder
from recog.ctc.hypotheses import Hypotheses
from recog.ctc.loss import ctc_loss, feasible, frames_needed

__all__ = [
    "BeamSearch",
    "BestPath",
    "Decoder",
    "Hypotheses",
    "beam_search",
    "best_path",
    "ctc_loss",
    "feasible",
    "frames_needed",
]
