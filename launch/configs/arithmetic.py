"""Reader of arithmetic expressions from an applied course: a CRNN whose recurrent cell is LSTM or GRU.

    python -m launch.train --config=launch/configs/arithmetic.py --workdir=runs/arithmetic

The course compares ``--config.model.recurrent.cell=lstm`` with ``gru``. The samples are rendered expressions;
``--config.data.train=folder:PATH`` takes others. ``quickstart.py`` is a smaller reader for laptops.

Trains for 5,000 steps of 64 pictures. Neither time nor accuracy has been measured at full size yet.
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
        alphabet=AlphabetConfig(name="arithmetic"),
        data=DataConfig(
            train="arithmetic:count=1000000,seed=1",
            validation="arithmetic:count=1000,seed=2",
            batch_size=64,
            max_label_length=16,
        ),
        model=CRNNConfig(
            width=0.5,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(units=128, projection=0, cell="gru"),
            dropout=0.2,
        ),
        augment=AugmentConfig(rotation=3, scale=0.05, brightness=0.1, contrast=0.2),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, clip_norm=5.0),
        train=LoopConfig(steps=5_000, log_every=50, evaluate_every=500, checkpoint_every=500),
    )
