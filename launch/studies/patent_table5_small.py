"""Table 5 of patent US 12,387,506 at an eighth of the size, on rendered plates: a grid that a CPU finishes.

python -m launch.ablate --study=patent_table5_small --workdir=runs/table5_small

Twelve cells of ``launch/configs/plates_stn_small.py``: with three seeds and ``--jobs=2``, 94 minutes on two cores of an
AMD EPYC.
"""

from launch.ablation.study import Study, sweep


def get_study() -> Study:
    """The study."""
    return Study(
        "plates_stn_small",
        (sweep("layers", "model.recurrent.layers", 1, 2, 3), sweep("units", "model.recurrent.units", 16, 32, 64, 128)),
    )
