"""Serving artifacts: exported programs with parameters, codec and model card."""
