"""Connectionist temporal classification: loss and decoding, as Flax-free functions."""

from recog.ctc.decode import BestPath, best_path
from recog.ctc.loss import ctc_loss, feasible
from recog.ctc.text import Reading, texts

__all__ = ["BestPath", "Reading", "best_path", "ctc_loss", "feasible", "texts"]
