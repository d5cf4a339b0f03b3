"""Connectionist temporal classification: loss and decoding, as Flax-free functions."""

from recog.ctc.best_path import best_path
from recog.ctc.loss import ctc_loss

__all__ = ["best_path", "ctc_loss"]
