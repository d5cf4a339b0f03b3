"""Mergeable counts for each kind of label, and the rates computed from them."""

from recog.metrics.boxes import BoxCounts
from recog.metrics.classes import ClassCounts
from recog.metrics.counts import Counts, RateStyle, RunningTotal
from recog.metrics.reading import ReadingCounts

__all__ = ["BoxCounts", "ClassCounts", "Counts", "RateStyle", "ReadingCounts", "RunningTotal"]
