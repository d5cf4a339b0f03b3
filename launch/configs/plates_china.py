"""Small CRNN for plates of all provinces, trained on rendered plates only.

    python -m launch.train --config=launch/configs/plates_china.py --workdir=runs/plates_china
    python -m launch.evaluate --workdir=runs/plates_china --data='folder:$RECOG_REAL_DATA/plates_cn'
    python -m launch.evaluate --workdir=runs/plates_china --on_bad_sample=skip \
        --data='crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv'

A quarter of the plates come from Anhui (皖), where most pictures of the second command were taken, the others from all
provinces in equal shares. The third command reads plates of other cameras and provinces; it leaves out those with
characters that the alphabet lacks. Half of the plates are mild, the others harsh: see ``clutter=``.

Measured on two cores of an AMD EPYC beside other jobs: 358 of the 397 plates of the second command read exactly
(90.2 %, as many as the public weights of LPRNet_Pytorch read, which were trained on real plates), and 112 of the 138 of
the third (81.2 %; those weights 55 %), after 44 minutes of training with ``GLIBC_TUNABLES=glibc.malloc.hugetlb=1`` in
the environment. The model ``zoo:plates`` started from it (``plates_china_tuned.py``). jax 0.10.2.

For a GPU: ``--config.data.workers=14`` there, for one worker draws about 500 plates a second. The averaged parameters
are evaluated and exported.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.crnn import CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    plates = "plates:height=24,width=94,home=皖,home_share=0.25,yellow=0.1"
    return Config(
        alphabet=AlphabetConfig(name="chinese_plates"),
        data=DataConfig(
            train=f"0.5*{plates},seed=1,clutter=0.5 + 0.5*{plates},seed=3,clutter=0.8",
            validation=f"{plates},seed=2,count=1000,clutter=0.8",
            batch_size=32,
            height=32,
            width=104,
            channels=3,
            max_label_length=8,
        ),
        model=CRNNConfig(
            width=0.3,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(layers=1, units=96),
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=3e-3, warmup_steps=100, clip_norm=5.0, average=0.998),
        train=LoopConfig(steps=10_000, log_every=100, evaluate_every=1_000, checkpoint_every=500),
    )
