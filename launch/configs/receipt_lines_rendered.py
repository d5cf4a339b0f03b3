r"""Lines of receipts read after training on rendered ones only: a start without labelled pictures.

    python -m launch.train --config=launch/configs/receipt_lines_rendered.py --workdir=runs/receipt_lines_rendered
    python -m launch.evaluate --workdir=runs/receipt_lines_rendered --data='folder:$RECOG_REAL_DATA/receipt_lines'

Labels are in capitals, pictures in capitals and small letters. Short lines, which cost little, are drawn more often
than long ones. Neither time nor accuracy has been measured yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig

RENDERED = (
    "0.35*lines:seed=1,width=104,longest=8 + 0.3*lines:seed=2,width=160,shortest=4,longest=12 + "
    "0.22*lines:seed=3,width=256,shortest=8,longest=19 + 0.13*lines:seed=4,width=416,shortest=13"
)
"""Rendered lines of every length, each width in the narrowest bucket that holds it."""


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(tokens="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ !\"#$%&'()*+,-./:<=>?@[\\]_|"),
        data=DataConfig(
            train=RENDERED,
            validation="lines:seed=5,count=1000",
            batch_size=64,
            max_label_length=24,
            buckets=(64, 104, 160, 256, 416, 592),
        ),
        model=CRNNConfig(
            width=0.3, batch_norm=(1, 2, 3, 4, 5, 6, 7), recurrent=RecurrentConfig(layers=1, units=128), dropout=0.1
        ),
        augment=AugmentConfig(shear=0.05, scale=0.05, translate=0.03, brightness=0.05, contrast=0.1, noise=0.01),
        optimizer=OptimizerConfig(
            name="adamw", learning_rate=3e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0, average=0.998
        ),
        train=LoopConfig(steps=4_500, log_every=50, evaluate_every=900, checkpoint_every=450),
    )
