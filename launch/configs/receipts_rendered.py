"""Receipt prices read after training on rendered ones only: a start without labelled pictures.

    python -m launch.train --config=launch/configs/receipts_rendered.py --workdir=runs/receipts_rendered
    python -m launch.evaluate --workdir=runs/receipts_rendered --data='folder:$RECOG_REAL_DATA/receipt_prices'

The reader is that of ``receipts.py``. Rendered pictures come slanted, shifted, faded, blurred and noisy, so
augmentation on the device is mild. ``--config.model.structure=whole`` is the single-task baseline.

Measured on two CPU cores (AMD EPYC): 97.2 % of the 4,855 prices read exactly, 99.5 % of 1,000 rendered ones, after an
hour beside other jobs. A second training, after faded characters and every place of the minus had been added to the
renderer, read 97.3 %; its model comes with the package as ``zoo:receipts``. jax 0.10.2.
"""

from launch.configs import receipts
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = receipts.get_config()
    config.data.train, config.data.validation = "receipts:seed=1", "receipts:seed=2,count=1000"
    config.data.holdout, config.data.holdout_by = 0.0, ""
    config.model.dropout = 0.1
    config.augment = AugmentConfig(shear=0.05, scale=0.05, translate=0.05, brightness=0.05, contrast=0.1, noise=0.01)
    config.train = LoopConfig(steps=6_000, log_every=50, evaluate_every=1_000, checkpoint_every=1_000)
    return config
