r"""CRNN for scene text, as published (Shi, Bai and Yao 2015, section 3.2): the full-size network and Adadelta.

    python -m launch.train --config=launch/configs/crnn.py --workdir=runs/crnn \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

The paper trains on 8 million rendered words (Synth90k) over 36 digits and lower-case letters, and ignores case: labels
are lower-cased, here and by ``launch.evaluate``. Its pictures are 32 pixels high and at least 100 wide.

Trains for 300,000 steps of 64 pictures. Neither time nor accuracy has been measured on that set yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn import CRNNConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="latin_36"),
        data=DataConfig(batch_size=64, lower_case=True, max_label_length=25),
        model=CRNNConfig(),
        optimizer=OptimizerConfig(name="adadelta", learning_rate=1.0, schedule="constant"),
        train=LoopConfig(steps=300_000, log_every=100, evaluate_every=5_000, checkpoint_every=5_000),
    )
