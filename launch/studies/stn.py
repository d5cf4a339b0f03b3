r"""Plate reader of patent US 12,387,506 with and without its spatial transformer.

    python -m launch.ablate --study=stn --workdir=runs/stn \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Two cells of ``launch/configs/plates_stn_crnn.py``.
"""

from launch.ablation.study import Study, sweep


def get_study() -> Study:
    """The study."""
    return Study("plates_stn_crnn", (sweep("STN", "model.stn", False, True),))
