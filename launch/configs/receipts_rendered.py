"""Receipt prices read by a reader that has seen rendered ones only: for who has no labelled pictures yet.

    python -m launch.train --config=launch/configs/receipts_rendered.py --workdir=runs/receipts_rendered
    python -m launch.evaluate --workdir=runs/receipts_rendered --data='folder:$RECOG_REAL_DATA/receipt_prices'

The reader is that of ``receipts.py``. Rendered pictures come slanted, shifted, faded, blurred and noisy, so the device
adds little. ``--config.model.structure=whole`` is the single-task baseline.
"""

from datasets.pipeline import DataConfig
from launch.config import AlphabetConfig, Config
from recog.models.multitask import MultiTaskConfig
from recog.models.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(tokens="0123456789.,-$RM "),
        data=DataConfig(
            train="receipts:seed=1",
            validation="receipts:seed=2,count=1000",
            height=32,
            width=128,
            batch_size=64,
            max_label_length=12,
        ),
        model=MultiTaskConfig(
            structure="price",
            decoder="ctc",
            width=0.25,
            recurrent=RecurrentConfig(layers=1, units=128),
            units=128,
            dropout=0.1,
            eta_rate=0.02,
        ),
        augment=AugmentConfig(shear=0.05, scale=0.05, translate=0.05, brightness=0.05, contrast=0.1, noise=0.01),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0),
        train=LoopConfig(steps=6_000, log_every=50, evaluate_every=1_000, checkpoint_every=1_000),
    )
