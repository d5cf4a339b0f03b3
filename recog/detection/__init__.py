"""Arithmetic of detectors on the device: overlap, positions and priors, losses, suppression of duplicates."""
