"""The reader of rendered receipt prices, fine-tuned with real ones: for a few hundred to thousands of labelled prices.

    python -m launch.train --config=launch/configs/receipts_rendered.py --workdir=runs/receipts_rendered
    RECOG_REAL_DATA=DIR python -m launch.train --config=launch/configs/receipts_tuned.py --workdir=runs/receipts_tuned

Prices of a fifth of the receipts are held out. Two fifths of a batch are rendered, with every sign, currency and
spacing.
"""

from launch.configs import receipts_rendered
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = receipts_rendered.get_config()
    config.init_from = "runs/receipts_rendered"
    config.data.train = "0.6*folder:$RECOG_REAL_DATA/receipt_prices + 0.4*receipts:seed=3"
    config.data.validation, config.data.holdout, config.data.holdout_by = "", 0.2, r"(r\d+)_"
    config.augment = AugmentConfig(
        rotation=2, shear=0.15, scale=0.1, translate=0.1, brightness=0.15, contrast=0.3, blur=0.5, noise=0.04
    )
    config.optimizer.learning_rate, config.optimizer.warmup_steps, config.optimizer.average = 1e-3, 50, 0.998
    config.train = LoopConfig(steps=3_000, log_every=50, evaluate_every=500, checkpoint_every=500)
    return config
