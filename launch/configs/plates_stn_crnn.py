r"""Reader of licence plates from patent US 12,387,506: spatial transformer, residual CNN and BLSTM.

    python -m launch.train --config=launch/configs/plates_stn_crnn.py --workdir=runs/plates_stn_crnn \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Grayscale 32x220, two BLSTM layers of 512 units, two fully connected layers, 66 classes. The ablations of the patent's
tables 5 and 6 are flags: ``--config.model.recurrent.layers=1|2|3``,
``--config.model.recurrent.units=128|256|512|1024``, ``--config.model.fc_layers=1|2|3``, ``--config.model.stn=false``.
Augmentation, optimizer and schedule are ours.

Trains for 50,000 steps of 128 pictures. Neither time nor accuracy has been measured at full size yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.plate_reader import PlateReaderConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates_65"),
        data=DataConfig(height=32, width=220, channels=1, batch_size=128, max_label_length=8),
        model=PlateReaderConfig(),
        augment=AugmentConfig(
            rotation=3, shear=0.1, scale=0.1, translate=0.1, brightness=0.2, contrast=0.3, noise=0.03
        ),
        optimizer=OptimizerConfig(name="adam", learning_rate=1e-3, warmup_steps=500, clip_norm=5.0),
        train=LoopConfig(steps=50_000, log_every=100, evaluate_every=2_000, checkpoint_every=2_000),
    )
