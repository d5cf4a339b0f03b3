"""Small plate reader of patent US 12,387,506 for plates of all provinces, as a detector cuts them out of photographs.

python -m launch.train --config=launch/configs/plates_photographed.py --workdir=runs/plates_photographed

Half of the photographs of ``$RECOG_REAL_DATA/vehicles_cn`` are held out (those of ``plate_finder_tuned.py``).
"""

from launch.configs import plates_stn_small
from launch.runs.config import AlphabetConfig, Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = plates_stn_small.get_config()
    config.alphabet = AlphabetConfig(name="chinese_plates")
    photographs = "crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv"
    config.data.train = (
        "0.6*plates:seed=5,height=48,width=188,clutter=0.7 + 0.2*folder:$RECOG_REAL_DATA/plates_cn "
        f"+ 0.2*kept:0.5:{photographs}"
    )
    config.data.validation = f"held:0.5:{photographs}"
    config.data.on_bad_sample = "skip"
    config.model.width = 0.25
    config.augment = AugmentConfig(
        rotation=3,
        shear=0.1,
        scale=0.1,
        translate=0.08,
        perspective=0.08,
        brightness=0.15,
        contrast=0.3,
        blur=1,
        noise=0.04,
        erasing=0.03,
    )
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 2e-3, 200
    config.train = LoopConfig(steps=6_000, log_every=100, evaluate_every=500, checkpoint_every=500)
    return config
