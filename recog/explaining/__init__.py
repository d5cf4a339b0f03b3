"""Explanations of predictions: evidence of every character, rectified pictures, and drawings of labels."""

from recog.explaining.explain import explain
from recog.explaining.explanation import Drawn, Explanation

__all__ = ["Drawn", "Explanation", "explain"]
