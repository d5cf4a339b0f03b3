"""TFDS builders of public sets, one a file; sets are prepared and loaded without TensorFlow."""

from datasets.builders.baidu_arithmetic import BaiduArithmetic
from datasets.builders.builder import SetBuilder
from datasets.builders.cats_vs_dogs import CatsVsDogs
from datasets.builders.ccpd import Ccpd
from datasets.builders.icdar2003 import Icdar2003
from datasets.builders.icdar2013 import Icdar2013
from datasets.builders.iiit5k import Iiit5k
from datasets.builders.price_tags import PriceTags
from datasets.builders.primus import Primus
from datasets.builders.svt import Svt
from datasets.builders.synth90k import Synth90k

BUILDERS: tuple[type[SetBuilder], ...] = (
    Synth90k,
    Iiit5k,
    Svt,
    Icdar2003,
    Icdar2013,
    Ccpd,
    PriceTags,
    BaiduArithmetic,
    Primus,
    CatsVsDogs,
)
"""All sets; each has a ``name``, and some have configurations."""
