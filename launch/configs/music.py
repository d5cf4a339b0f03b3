"""CRNN for music: the simplified reader of Shi, Bai and Yao 2015, section 3.4, on sequences of pitches.

    python -m launch.train --config=launch/configs/music.py --workdir=runs/music

Convolutions 4 and 6 are left out, and two LSTM layers read from left to right only. A label is a sequence of pitches
with spaces between them, ``C4 E4 G4 C5``. The samples are rendered snippets of up to 12 notes, which come slanted,
stained, blurred and noisy, so augmentation on the device is mild; ``--config.data.train=folder:PATH`` takes others. The
recurrent part is free: ``--config.model.recurrent.cell=gru``, ``--config.model.recurrent.directions=2``.

Trains for 50,000 steps of 64 pictures. Neither time nor accuracy has been measured at full size yet.
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
        alphabet=AlphabetConfig(name="music_pitches"),
        data=DataConfig(train="music:seed=1", validation="music:seed=2,count=1000", batch_size=64, max_label_length=32),
        model=CRNNConfig(without=(4, 6), batch_norm=(5,), recurrent=RecurrentConfig(directions=1)),
        augment=AugmentConfig(rotation=0.5, scale=0.04, translate=0.02, brightness=0.1, contrast=0.2, noise=0.03),
        optimizer=OptimizerConfig(name="adadelta", learning_rate=1.0, schedule="constant"),
        train=LoopConfig(steps=50_000, log_every=100, evaluate_every=2_000, checkpoint_every=2_000),
    )
