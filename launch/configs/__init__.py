"""Configurations, one file for each published system: origin, command, measured result."""
