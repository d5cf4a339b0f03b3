r"""Multi-task reader of plates: province, city letter and number, each by a branch of its own.

    python -m launch.train --config=launch/configs/plates_parts.py --workdir=runs/plates_parts \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

``--config.model.structure=plate_full`` reads the Chinese character, letters and digits, and the full plate instead;
``whole`` reads the text in one part, of two lines too.

Trains for 50,000 steps of 64 pictures. Neither time nor accuracy has been measured at full size yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.multitask import MultiTaskConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates"),
        data=DataConfig(height=48, width=144, channels=3, batch_size=64, max_label_length=8),
        model=MultiTaskConfig(structure="plate_parts"),
        augment=AugmentConfig(
            rotation=3, shear=0.1, scale=0.1, translate=0.1, brightness=0.2, contrast=0.3, noise=0.03
        ),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=500, clip_norm=5.0),
        train=LoopConfig(steps=50_000, log_every=100, evaluate_every=2_000, checkpoint_every=2_000),
    )
