"""Small YOLOv3 that finds plates, trained on rendered streets only, on two CPU cores.

    python -m launch.prepare --render=scenes:seed=1 --count=12000 --data_dir=prepared --jpeg_quality=90
    python -m launch.train --config=launch/configs/plate_finder_small.py --workdir=runs/plate_finder_small

15 % of the published channels, few residual blocks, and squares of 4x4 pixels in place of the layers at full
resolution. Pictures are letterboxed to 320x256, which is right for those of 4:3.

Measured at the last step: AP 0.453 and AP50 0.889 on 500 unseen rendered streets; an hour of training on two cores of
an Intel Xeon beside other jobs, after 12 minutes of rendering. Of the 71 plates in the 62 photographs that
``plate_finder_tuned.py`` holds out, it finds 40.8 % with 0.05 false alarms a photograph. With ``model.width=0.25``, a
quarter of the channels and 2.7 times the parameters: AP 0.493, AP50 0.907, and 47.9 % (exported for 416x416). The
averaged parameters are evaluated and exported.
"""

from datasets.pipeline import DataConfig
from launch.configs import plate_finder
from launch.runs.config import Config
from recog.models.yolo import YOLOConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = plate_finder.get_config()
    config.data = DataConfig(
        train="tfds:prepared/scenes:train",
        validation="scenes:seed=2,count=500",
        batch_size=16,
        height=256,
        width=320,
        channels=3,
        letterbox=True,
        max_boxes=8,
        cache_mb=3_000,
    )
    config.model = YOLOConfig(
        width=0.15,
        blocks=(0, 1, 2, 1, 1),
        patch=4,
        regression=20,
        priors=((14, 5), (20, 7), (24, 12), (30, 10), (36, 14), (44, 20), (54, 18), (64, 26), (90, 32)),
    )
    config.augment.hue = config.augment.noise = 0.0  # slow on CPUs, and the renderer varies its pictures itself
    config.optimizer.learning_rate, config.optimizer.warmup_steps, config.optimizer.average = 2e-3, 200, 0.998
    config.train = LoopConfig(steps=4_000, log_every=50, evaluate_every=1_000, checkpoint_every=250)
    return config
