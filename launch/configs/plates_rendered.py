r"""LPRNet trained on rendered plates alone: not one real picture, for who has none yet.

python -m launch.train --config=launch/configs/plates_rendered.py --workdir=runs/plates_rendered
"""

from datasets.pipeline import DataConfig
from launch.config import AlphabetConfig, Config
from recog.models.lprnet import LPRNetConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates"),
        data=DataConfig(
            train="plates:seed=1,height=24,width=94",
            validation="plates:seed=2,count=1000,height=24,width=94",
            height=24,
            width=94,
            channels=3,
            batch_size=32,
            max_label_length=8,
        ),
        model=LPRNetConfig(),
        augment=AugmentConfig(),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=500, clip_norm=5.0),
        train=LoopConfig(steps=6_000, log_every=100, evaluate_every=1_000, checkpoint_every=1_000),
    )
