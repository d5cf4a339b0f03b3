"""Serving: pictures in, texts out, over exported artifacts alone."""
