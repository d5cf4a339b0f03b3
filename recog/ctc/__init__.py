"""Connectionist temporal classification: loss and decoders, as Flax-free functions."""

from recog.ctc.best_path import BestPath, best_path
from recog.ctc.decoder import Decoder
from recog.ctc.loss import ctc_loss, feasible, frames_needed

__all__ = ["BestPath", "Decoder", "best_path", "ctc_loss", "feasible", "frames_needed"]
