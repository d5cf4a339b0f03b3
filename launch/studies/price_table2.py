r"""Table 2 of the price tag paper (Acta Automatica Sinica 48(2), 2022): subsets of branches that learn together.

    python -m launch.ablate --study=price_table2 --workdir=runs/price_table2 \
        --config.data.train=folder:PATH --config.data.validation=folder:OTHER_PATH

IB reads the integer part, DB the decimals, NDPB the price without its decimal point. Each subset determines the whole
price. The weight of the third branch is fixed: a learnt one would depend on the validation labels, by which the table
judges.
"""

from launch.ablation.grid import Axis, Level
from launch.ablation.study import Study

BRANCHES = {"IB": "integer", "DB": "decimal", "NDPB": "no_point"}
SUBSETS = (("IB", "DB"), ("IB", "NDPB"), ("DB", "NDPB"), ("IB", "DB", "NDPB"))


def get_study() -> Study:
    """The study."""
    levels = (Level("+".join(names), {"model.branches": tuple(BRANCHES[name] for name in names)}) for names in SUBSETS)
    return Study("price_tags", (Axis("branches", tuple(levels)),), {"model.eta_rate": 0.0})
