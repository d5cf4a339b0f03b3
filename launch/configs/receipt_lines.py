r"""Reader of rendered receipt lines, fine-tuned with real ones.

    python -m launch.train --config=launch/configs/receipt_lines_rendered.py --workdir=runs/receipt_lines_rendered
    RECOG_REAL_DATA=DIR python -m launch.train --config=launch/configs/receipt_lines.py --workdir=runs/receipt_lines

``$RECOG_REAL_DATA/receipt_lines`` is a folder with ``labels.tsv``. Lines of a fixed 15 % of the receipts are held out,
and 45 % of the pictures are still rendered, because receipts repeat a few lines, which would be learnt by heart.
Neither time nor accuracy has been measured yet.
"""

from launch.configs import receipt_lines_rendered
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = receipt_lines_rendered.get_config()
    config.init_from = "runs/receipt_lines_rendered"
    config.data.train = (
        "0.55*folder:$RECOG_REAL_DATA/receipt_lines + 0.15*lines:seed=11,width=104,longest=8 + "
        "0.14*lines:seed=12,width=160,shortest=4,longest=12 + 0.1*lines:seed=13,width=256,shortest=8,longest=19 + "
        "0.06*lines:seed=14,width=416,shortest=13"
    )
    config.data.validation, config.data.holdout, config.data.holdout_by = "", 0.15, r"(r\d+)_"
    config.augment = AugmentConfig(
        rotation=1, shear=0.1, scale=0.1, translate=0.05, brightness=0.1, contrast=0.2, blur=0.5, noise=0.02
    )
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 1e-3, 100
    config.train = LoopConfig(steps=1_800, log_every=50, evaluate_every=300, checkpoint_every=300)
    return config
