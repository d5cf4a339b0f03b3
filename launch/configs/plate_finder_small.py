from datasets.pipeline import DataConfig
from launch.runs.config import Config
from recog.models.yolo import YOLOConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    return Config(
        data=DataConfig(
            train="boxes:/tmp/det/scenes",
            validation="boxes:/tmp/det/scenes_val",
            batch_size=16,
            height=320,
            width=320,
            channels=3,
            letterbox=True,
            max_boxes=8,
            cache_mb=2500,
            on_bad_sample="skip",
        ),
        model=YOLOConfig(
            width=0.25,
            blocks=(0, 0, 1, 1, 1),
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
            hue=0.03,
            blur=1.0,
            noise=0.05,
            erasing=0.02,
        ),
        optimizer=OptimizerConfig(
            name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=5e-4, clip_norm=10.0
        ),
        train=LoopConfig(steps=5000, log_every=25, evaluate_every=1000, checkpoint_every=500),
        classes=("plate",),
    )
