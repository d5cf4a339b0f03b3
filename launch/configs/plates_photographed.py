"""LPRNet for plates of all provinces as a detector cuts them out of photographs.

    python -m launch.import_weights --source=lprnet_pytorch --file=FILE.pth --workdir=runs/lprnet_public
    python -m launch.train --config=launch/configs/plates_photographed.py --workdir=runs/plates_photographed
"""

from launch.configs import lprnet
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = lprnet.get_config()
    config.init_from = "runs/lprnet_public"
    photographs = "crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv"
    config.data.train = (
        "0.5*plates:seed=5,height=24,width=94,clutter=0.7 + 0.25*folder:$RECOG_REAL_DATA/plates_cn "
        f"+ 0.25*kept:0.5:{photographs}"
    )
    config.data.validation = f"held:0.5:{photographs}"
    config.data.batch_size = 32
    config.data.on_bad_sample = "skip"
    config.augment = AugmentConfig(
        rotation=3,
        shear=0.1,
        scale=0.1,
        translate=0.08,
        perspective=0.08,
        brightness=0.15,
        contrast=0.3,
        saturation=0.5,
        hue=0.03,
        blur=1,
        noise=0.04,
        erasing=0.03,
    )
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 5e-4, 50
    config.train = LoopConfig(steps=1_500, log_every=50, evaluate_every=250, checkpoint_every=250)
    return config
