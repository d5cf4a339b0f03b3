"""What tests of ONNX programs share."""

import pytest

from recog.models.efficientnet_lite import VARIANTS, Variant


@pytest.fixture(autouse=True)
def smaller_lite(monkeypatch):
    """EfficientNet-Lite with few channels and blocks."""
    monkeypatch.setitem(VARIANTS, "lite0", Variant(0.2, 0.5, 32))
