"""Converters of weights that others trained to variables of the models here."""
