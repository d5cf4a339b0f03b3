r"""Table 6 of patent US 12,387,506: one, two or three fully connected layers, the classifier included.

    python -m launch.ablate --study=patent_table6 --workdir=runs/table6 \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

Three cells of ``launch/configs/plates_stn_crnn.py``.
"""

from launch.ablation.study import Study, sweep


def get_study() -> Study:
    """The study."""
    return Study("plates_stn_crnn", (sweep("FC layers", "model.fc_layers", 1, 2, 3),))
