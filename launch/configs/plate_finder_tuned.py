"""Small YOLOv3 that finds plates, fine-tuned with a few labelled photographs.

    python -m launch.train --config=launch/configs/plate_finder_small.py --workdir=runs/plate_finder_small
    python -m launch.train --config=launch/configs/plate_finder_tuned.py --workdir=runs/plate_finder_tuned

Half of the photographs are held out. The others are trained on with rendered plates in place of their own, at other
places and in parts (``replated:``), beside rendered streets. With your photographs and their ``boxes.tsv``:
``--config.data.train='0.3*tfds:prepared/scenes:train + 0.7*replated:boxes:FOLDER'``.

Measured at the last step on the 62 held-out photographs (71 plates): 91.5 % of the plates are found (IoU 0.5, score
0.4) with 0.05 false alarms a photograph, AP 0.548, AP50 0.955; 55 minutes of training on two cores of an Intel Xeon
beside other jobs, after the hour of ``plate_finder_small.py``. 14 ms a photograph through the artifact. It is the model
``zoo:plate_finder``. With ``model.width=0.25`` in both, and 4,000 steps: 97.2 %, 0.03, AP 0.563, AP50 0.987.
"""

import dataclasses

from launch.configs import plate_finder, plate_finder_small
from launch.runs.config import Config


def get_config() -> Config:
    """Configuration of the run."""
    config = plate_finder_small.get_config()
    config.init_from = "runs/plate_finder_small"
    photographs = "boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv"
    config.data.train = f"0.3*tfds:prepared/scenes:train + 0.7*replated:{photographs}"
    config.data.validation, config.data.holdout = "", 0.5
    config.data.height = config.data.width = 416  # small plates, and photographs may be upright
    config.model = dataclasses.replace(config.model, priors=plate_finder.PRIORS)
    config.data.on_bad_sample = "skip"
    config.augment.rotation = 3
    config.optimizer.learning_rate, config.optimizer.warmup_steps = 1e-3, 50
    config.train.steps, config.train.evaluate_every = 2_500, 500
    return config
