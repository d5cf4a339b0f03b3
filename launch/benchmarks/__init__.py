"""Measurements, one file each: each prints ratios taken in one run, with machine and versions."""
