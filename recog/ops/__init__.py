"""Arithmetic that devices run: convolutions, pooling, normalisation, recurrences, dropout, crops, masks of padding."""
