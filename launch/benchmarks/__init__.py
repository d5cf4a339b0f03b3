"""Benchmarks: each command prints ratios measured in one run, with machine and versions."""
