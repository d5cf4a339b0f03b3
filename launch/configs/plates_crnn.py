r"""CRNN compared with LPRNet and graphic supervision in PeerJ Computer Science 2024: 7.3 M parameters.

    python -m launch.train --config=launch/configs/plates_crnn.py --workdir=runs/plates_crnn \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Trains for 50,000 steps of 128 pictures. Neither time nor accuracy has been measured at full size yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn_plate import CRNNPlateConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates"),
        data=DataConfig(height=24, width=94, channels=3, batch_size=128, max_label_length=8),
        model=CRNNPlateConfig(),
        augment=AugmentConfig(
            rotation=3, shear=0.1, scale=0.1, translate=0.1, brightness=0.2, contrast=0.3, noise=0.03
        ),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=500, clip_norm=5.0),
        train=LoopConfig(steps=50_000, log_every=100, evaluate_every=2_000, checkpoint_every=2_000),
    )
