"""Renderers: sources that draw their own pictures; each sample is a pure function of a seed and an index."""
