"""Data sources, renderers and the input pipeline; run from a checkout, never part of the wheel."""
