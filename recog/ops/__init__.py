"""Arithmetic that devices run: convolutions, pooling, normalisation, recurrences, dropout, masks of padding."""
