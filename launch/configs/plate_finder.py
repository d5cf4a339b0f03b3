"""YOLOv3 of patent US 12,387,506, which finds plates in photographs of vehicles, with their corners; for accelerators.

    python -m launch.prepare --render=scenes:seed=1 --count=200000 --data_dir=prepared --jpeg_quality=90 --name=scenes
    python -m launch.prepare --dataset=ccpd/whole --source=DIR --data_dir=prepared
    python -m launch.train --config=launch/configs/plate_finder.py --workdir=runs/plate_finder

Darknet-53, three scales, nine priors by K-means (``launch.prepare --priors``), pictures letterboxed to 416x416; 61.5
million parameters, 32.7 GMACs a picture. Half of the samples are rendered streets, half are photographs of CCPD's
training list; its other half (``base``) validates. Without CCPD: ``--config.data.train=tfds:prepared/scenes:train``.

Not trained: it needs an accelerator and CCPD's pictures. Its parameters, shapes and losses are tested, and
``plate_finder_small.py`` is trained by the same code.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import Config
from recog.models.yolo import YOLOConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig

PRIORS = ((18, 6), (26, 9), (32, 16), (39, 13), (47, 18), (57, 26), (70, 24), (83, 34), (117, 42))
"""Priors of rendered streets letterboxed to 416x416."""


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        data=DataConfig(
            train="0.5*tfds:prepared/scenes:train + 0.5*tfds:prepared/ccpd/whole:train",
            validation="tfds:prepared/ccpd/whole:base[:5000]",
            batch_size=64,
            height=416,
            width=416,
            channels=3,
            letterbox=True,
            workers=8,
            on_bad_sample="skip",
        ),
        model=YOLOConfig(
            dtype="bfloat16",
            priors=PRIORS,
        ),
        augment=AugmentConfig(
            rotation=5,
            shear=0.1,
            scale=0.15,
            zoom=0.6,
            translate=0.15,
            brightness=0.2,
            contrast=0.4,
            saturation=0.8,
            hue=0.03,
            blur=1,
            noise=0.05,
            erasing=0.02,
        ),
        optimizer=OptimizerConfig(
            name="adamw", learning_rate=1e-3, warmup_steps=2_000, weight_decay=5e-4, clip_norm=10
        ),
        train=LoopConfig(steps=100_000, log_every=100, evaluate_every=5_000, checkpoint_every=1_000),
        classes=("plate",),
    )
