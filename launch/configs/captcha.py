"""CRNN on 824 real captchas: five of ``2345678bcdefgmnpwxy``, 200 by 50 pixels, blurred and struck through.

    RECOG_REAL_DATA=DIR python -m launch.train --config=launch/configs/captcha.py --workdir=runs/captcha

``$RECOG_REAL_DATA/captcha`` is a folder with ``labels.tsv``. A fixed 15 % (124 pictures) is held out.

Measured: 124 of the 124 held-out pictures read exactly (97.6 % after 500 of the 2,500 steps), in 30 minutes on two Xeon
cores that were shared with other work; jax 0.10.2.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(tokens="2345678bcdefgmnpwxy"),
        data=DataConfig(train="folder:$RECOG_REAL_DATA/captcha", holdout=0.15, batch_size=32),
        model=CRNNConfig(
            width=0.5,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(layers=2, units=128, projection=128),
            dropout=0.3,
        ),
        augment=AugmentConfig(
            rotation=5, shear=0.15, scale=0.15, translate=0.1, brightness=0.1, contrast=0.3, noise=0.05
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0),
        train=LoopConfig(steps=2500, log_every=50, evaluate_every=250, checkpoint_every=500),
    )
