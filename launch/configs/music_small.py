"""A small reader of sheet music for two CPU cores.

    python -m launch.train --config=launch/configs/music_small.py --workdir=runs/music_small

Half the channels of ``music.py``, batch normalisation after every convolution, and two LSTM layers that read in both
directions. Labels are pitches, ``C4 E4 G4 C5``; the samples are rendered snippets of up to 12 notes.
``launch.benchmarks.verovio_music`` makes test pictures of another engraver. Neither time nor accuracy has been measured
yet.
"""

from launch.configs import music
from launch.runs.config import Config
from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = music.get_config()
    config.model = CRNNConfig(
        without=(4, 6),
        width=0.5,
        batch_norm=(1, 2, 3, 5, 7),
        recurrent=RecurrentConfig(layers=2, units=96),
    )
    config.optimizer = OptimizerConfig(
        name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0, average=0.998
    )
    config.train = LoopConfig(steps=6_000, log_every=50, evaluate_every=1_500, checkpoint_every=500)
    return config
