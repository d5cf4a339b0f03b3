"""Command lines over exported artifacts, which need no checkout: ``recog-read`` and ``recog-serve``."""
