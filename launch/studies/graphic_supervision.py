r"""LPRNet with and without graphically supervised training (PeerJ Computer Science 2024).

    python -m launch.ablate --study=graphic_supervision --workdir=runs/graphic_supervision \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Two cells of ``launch/configs/lprnet_graphic.py``.
"""

from launch.ablation.study import Study, sweep


def get_study() -> Study:
    """The study."""
    return Study("lprnet_graphic", (sweep("graphic supervision", "model.graphic", False, True),))
