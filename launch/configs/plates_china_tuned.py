"""The reader of Chinese plates, fine-tuned with real ones: for a few hundred labelled pictures.

    python -m launch.train --config=launch/configs/plates_china.py --workdir=runs/plates_china
    python -m launch.train --config=launch/configs/plates_china_tuned.py --workdir=runs/plates_china_tuned

A fifth of the real plates is held out: of ``$RECOG_REAL_DATA/plates_cn``, most of one province, and of plates of other
cameras and provinces, cut out of the photographs in ``$RECOG_REAL_DATA/vehicles_cn`` by their corners. 45 % of a batch
is rendered, because the few real plates alone would be learnt by heart. It is the model ``zoo:plates``, from which a
reader of your plates starts at once: ``--config.init_from=zoo:plates
--config.data.train='0.5*plates:seed=5,height=24,width=94 + 0.5*folder:PATH'``.

Measured over the five folds of ``launch.ablate --folds=5`` (as single runs with ``kept:0/5:folder:...``, in half
precision from the start, which read 89.9 and 81.2 %), each plate read by the run that held it out: 384 of the 397 are
read exactly at the best of each run's four evaluations (96.7 %; 93.8 to 98.7 %), 381 at the last step; of the 138 of
other cameras, 118 (85.5 %) by the former. Seven minutes each on two cores of an Intel Xeon beside other jobs. jax
0.10.2.
"""

from launch.configs import plates_china
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = plates_china.get_config()
    config.init_from = "runs/plates_china"
    plates = "plates:height=24,width=94,home=皖,home_share=0.25,yellow=0.1"
    config.data.train = (
        f"0.25*{plates},seed=5,clutter=0.5 + 0.2*{plates},seed=6,clutter=0.8 + 0.4*folder:$RECOG_REAL_DATA/plates_cn + "
        "0.15*crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv"
    )
    config.data.validation, config.data.holdout, config.data.on_bad_sample = "", 0.2, "skip"
    config.augment = AugmentConfig(
        rotation=2, shear=0.05, scale=0.05, translate=0.05, brightness=0.1, contrast=0.2, noise=0.02
    )
    config.optimizer.learning_rate, config.optimizer.warmup_steps, config.optimizer.average = 1e-3, 50, 0.99
    config.train = LoopConfig(steps=1_200, log_every=50, evaluate_every=300, checkpoint_every=300)
    return config
