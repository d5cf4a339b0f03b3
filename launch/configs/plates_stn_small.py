"""Plate reader of patent US 12,387,506 at an eighth of its width, on rendered plates: for ablations on a CPU.

    python -m launch.train --config=launch/configs/plates_stn_small.py --workdir=runs/plates_stn_small
    python -m launch.ablate --study=patent_table5_small --workdir=runs/table5_small

Grayscale 32x128. Every channel and unit count is an eighth of the patent's; the patent's pictures are 220 columns wide.
Dropout is off: with the patent reader's dropout, 27 % were read after 800 steps, without it 78 %.

Measured on two CPU cores (AMD EPYC), with ``GLIBC_TUNABLES=glibc.malloc.hugetlb=1`` in the environment: 89.4 % of 1,000
rendered plates read exactly after 4 minutes. jax 0.10.2.
"""

from launch.configs import plates_stn_crnn
from launch.runs.config import Config
from recog.models.plate_reader import PlateReaderConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = plates_stn_crnn.get_config()
    config.data.train = "plates:seed=1,height=32,width=128,clutter=0.1"
    config.data.validation = "plates:seed=2,count=1000,height=32,width=128,clutter=0.1"
    config.data.width, config.data.batch_size = 128, 32
    config.model = PlateReaderConfig(
        width=0.125, fc_units=128, recurrent=RecurrentConfig(layers=2, units=64, projection=0), dropout=0.0
    )
    config.augment = AugmentConfig()  # the renderer varies its pictures itself
    config.optimizer = OptimizerConfig(name="adam", learning_rate=2e-3, warmup_steps=100, clip_norm=5.0)
    config.train = LoopConfig(steps=1_200, log_every=100, evaluate_every=400, checkpoint_every=400)
    return config
