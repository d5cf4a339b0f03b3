"""LPRNet for plates of all provinces, trained on rendered plates only.

    python -m launch.train --config=launch/configs/plates_china.py --workdir=runs/plates_china
    python -m launch.evaluate --workdir=runs/plates_china --data='folder:$RECOG_REAL_DATA/plates_cn'
    python -m launch.evaluate --workdir=runs/plates_china \
        --data='crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv' --on_bad_sample=skip

A quarter of the plates come from Anhui (皖), where most pictures of the second command were taken, the others from all
provinces in equal shares. The third command reads plates of other cameras and provinces; it leaves out those with
characters that the alphabet lacks. Half of the plates are mild, the others harsh: see ``clutter=``.

For a GPU: ``--config.data.workers=14`` there, for one worker draws about 500 plates a second. The averaged parameters
are evaluated and exported.
"""

from launch.configs import lprnet
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = lprnet.get_config()
    plates = "plates:height=24,width=94,home=皖,home_share=0.25,yellow=0.1"
    config.data.train = f"0.5*{plates},seed=1,clutter=0.5 + 0.5*{plates},seed=3,clutter=0.8"
    config.data.validation = f"{plates},seed=2,count=1000,clutter=0.8"
    config.data.batch_size = 64
    config.augment = AugmentConfig()  # the renderer varies its pictures itself
    config.optimizer.average = 0.999
    config.train = LoopConfig(steps=10_000, log_every=100, evaluate_every=2_000, checkpoint_every=2_000)
    return config
