r"""Price tags by multi-task learning, as published (Acta Automatica Sinica 48(2), 2022): integer, decimal, no point.

    python -m launch.train --config=launch/configs/price_tags.py --workdir=runs/price_tags \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

The paper's tables are flags: ``--config.model.backbone=vgg|resnet``, ``--config.model.decoder=attention|ctc`` and
``--config.model.structure=whole`` (Table 1: single-task baselines), ``--config.model.branches='("integer","decimal")'``
(Table 2). Colour 96x200, SGD from a rate of 0.3, saturation and rotation augmentation, and eta learnt from the
validation samples are the paper's; warm-up, cosine schedule and clipping are ours. ``--config.model.eta_rate=0`` fixes
eta. The paper's pictures are not public.

Trains for 50,000 steps of 64 pictures. Neither time nor accuracy has been measured at full size yet.
"""

from datasets.pipeline import DataConfig
from launch.runs.config import AlphabetConfig, Config
from recog.models.multitask import MultiTaskConfig
from recog.training.augment import AugmentConfig
from recog.training.loop import LoopConfig
from recog.training.optimizers import OptimizerConfig


def get_config() -> Config:
    """Configuration of the run."""
    return Config(
        alphabet=AlphabetConfig(name="price"),
        data=DataConfig(height=96, width=200, channels=3, batch_size=64, max_label_length=12),
        model=MultiTaskConfig(structure="price", eta=0.5, eta_rate=0.1),
        augment=AugmentConfig(rotation=5, saturation=0.5),
        optimizer=OptimizerConfig(name="sgd", learning_rate=0.3, momentum=0.0, warmup_steps=500, clip_norm=5.0),
        train=LoopConfig(steps=50_000, log_every=100, evaluate_every=1_000, checkpoint_every=1_000),
    )
