"""Small CRNN for plates of all provinces, as a detector cuts them out of photographs.

    python -m launch.train --config=launch/configs/plates_photographed.py --workdir=runs/plates_photographed

Six tenths of the plates are rendered, the others are real: ``$RECOG_REAL_DATA/plates_cn``, and plates of the
photographs in ``$RECOG_REAL_DATA/vehicles_cn``, half of which are held out (those of ``plate_finder_tuned.py``).

Measured on the 71 held-out plates, cut out by their corners: 81.7 % read exactly at the best evaluation, 78.9 % at the
last step; 36 minutes of training on two cores of an AMD EPYC beside other jobs. Found by ``plate_finder_tuned.py`` and
then read, of all 71: 80.3 %.
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
    photographs = "crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv"
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates"),
        data=DataConfig(
            train=(
                "0.6*plates:seed=5,height=48,width=188,clutter=0.7 + 0.2*folder:$RECOG_REAL_DATA/plates_cn "
                f"+ 0.2*kept:0.5:{photographs}"
            ),
            validation=f"held:0.5:{photographs}",
            height=32,
            width=128,
            batch_size=32,
            max_label_length=8,
            on_bad_sample="skip",
        ),
        model=CRNNConfig(
            width=0.3,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(layers=1, units=96, projection=0),
            dropout=0.1,
        ),
        augment=AugmentConfig(
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
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0),
        train=LoopConfig(steps=6_000, log_every=100, evaluate_every=500, checkpoint_every=500),
    )
