"""Weights that others trained, as variables of the models here."""
