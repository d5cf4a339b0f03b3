r"""Table 1 of the price tag paper (Acta Automatica Sinica 48(2), 2022): backbones and decoders, as single tasks.

    python -m launch.ablate --study=price_table1 --workdir=runs/price_table1 \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Four cells of ``launch/configs/price_tags.py``.
"""

from launch.ablation.grid import Axis, Level
from launch.ablation.study import Study


def get_study() -> Study:
    """The study."""
    backbones = (("VGG", "vgg"), ("ResNet", "resnet"))
    decoders = (("CTC", "ctc"), ("attention", "attention"))
    return Study(
        "price_tags",
        (
            Axis("backbone", tuple(Level(label, {"model.backbone": value}) for label, value in backbones)),
            Axis("decoder", tuple(Level(label, {"model.decoder": value}) for label, value in decoders)),
        ),
        {"model.structure": "whole", "model.eta_rate": 0.0},
    )
