"""Models that compile in a moment, for tests of all but the architecture."""

from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig


def two_convolutions() -> CRNNConfig:
    """A CRNN with its first and last convolution and one small recurrent layer."""
    return CRNNConfig(width=0.05, without=(2, 3, 4, 5, 6), batch_norm=(), recurrent=RecurrentConfig(layers=1, units=4))
