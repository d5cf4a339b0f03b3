r"""Small CRNN for dictionary words and lines of receipts: a reader to decode with lexicons, on two CPU cores.

    WORDS=words.txt RECOG_REAL_DATA=DIR python -m launch.train --config=launch/configs/words.py --workdir=runs/words
    python -m launch.evaluate --workdir=runs/words --data='words:seed=2,count=1000,lexicon=words.txt' \
        --decoder=lexicon --lexicon=words.txt

``words.txt`` holds one word of letters and digits a line, such as Debian's ``wamerican-large`` in lower case. Three
tenths of the pictures are lines of ``$RECOG_REAL_DATA/receipt_lines``; those of a fixed 15 % of the receipts are held
out, and the 15 lines that are wider than 416 pixels at height 32 are left out.

Measured on two CPU cores (AMD EPYC) with 129,671 words: 75.0 % of the 585 held-out lines read exactly, and 72.0 % of
1,000 rendered words, 94.7 % with a lexicon of 50,000 (``docs/measured.md``); 52 minutes beside other jobs. jax 0.10.2.
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
    return Config(
        alphabet=AlphabetConfig(tokens="0123456789abcdefghijklmnopqrstuvwxyz !\"#$%&'()*+,-./:;<=>?@[\\]_|"),
        data=DataConfig(
            train="0.7*words:seed=1,lexicon=$WORDS + 0.3*folder:$RECOG_REAL_DATA/receipt_lines",
            holdout=0.15,
            holdout_by=r"(r\d+)_",
            batch_size=48,
            lower_case=True,
            on_bad_sample="skip",
            max_label_length=25,
            buckets=(104, 160, 256, 416),
        ),
        model=CRNNConfig(
            width=0.375,
            batch_norm=(1, 2, 3, 4, 5, 6, 7),
            recurrent=RecurrentConfig(layers=2, units=128, projection=128),
            dropout=0.2,
        ),
        augment=AugmentConfig(
            rotation=2, shear=0.1, scale=0.1, translate=0.05, brightness=0.1, contrast=0.2, noise=0.03
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=2e-3, warmup_steps=200, weight_decay=0.01, clip_norm=5.0),
        train=LoopConfig(steps=3200, log_every=50, evaluate_every=800, checkpoint_every=200),
    )
