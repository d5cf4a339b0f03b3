r"""Table 5 of patent US 12,387,506: number of BLSTM layers and of their units.

    python -m launch.ablate --study=patent_table5 --layout=acc/loss --workdir=runs/table5 \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

The patent's best cell is two layers of 512 units.
"""

from launch.ablation.study import Study, sweep


def get_study() -> Study:
    """The study."""
    return Study(
        "plates_stn_crnn",
        (
            sweep("layers", "model.recurrent.layers", 1, 2, 3),
            sweep("units", "model.recurrent.units", 128, 256, 512, 1024),
        ),
    )
