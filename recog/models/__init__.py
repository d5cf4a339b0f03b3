"""Architectures, one to a file, as Flax Linen modules."""
