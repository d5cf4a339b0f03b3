"""Small YOLOv3 that finds plates, trained on rendered streets only, on two CPU cores.

    python -m launch.prepare --render=scenes:seed=1 --count=12000 --data_dir=prepared --jpeg_quality=90
    python -m launch.train --config=launch/configs/plate_finder_small.py --workdir=runs/plate_finder_small

A quarter of the published channels, few residual blocks, and squares of 4x4 pixels in place of the layers at full
resolution, which took four fifths of the time. Pictures are letterboxed to 320x256, which is right for those of 4:3.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import Config
from recog.models.yolo import YOLOConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        data=DataConfig(
            train="tfds:prepared/scenes:train",
            validation="scenes:seed=2,count=500",
            batch_size=16,
            height=256,
            width=320,
            channels=3,
            letterbox=True,
            max_boxes=8,
            cache_mb=3_000,
        ),
        model=YOLOConfig(
            width=0.25,
            blocks=(0, 1, 2, 1, 1),
            patch=4,
            regression=20,
            priors=((14, 5), (20, 7), (24, 12), (30, 10), (36, 14), (44, 20), (54, 18), (64, 26), (90, 32)),
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
            blur=1,
            erasing=0.02,
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=5e-4, clip_norm=10),
        train=LoopConfig(steps=4_000, log_every=50, evaluate_every=1_000, checkpoint_every=250),
        classes=("plate",),
    )
