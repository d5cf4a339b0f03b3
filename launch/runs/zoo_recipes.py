"""Recipes of the models that come with the package (`recog.zoo`), which are trained on rendered samples first."""

import dataclasses

RUBIK = "Rubik (OFL-1.1, of OpenCV)"
MICRO_HEI = "WenQuanYi Micro Hei (Apache-2.0, of OpenCV)"
"""Fonts that are part of OpenCV, with their licences."""
EASYPR, LPRNET = "(of EasyPR, Apache-2.0)", "(the test pictures of LPRNet_Pytorch, Apache-2.0)"
"""Real pictures, with the licences of the repositories that they come with."""


@dataclasses.dataclass(frozen=True)
class Measure:
    """Samples that a model is measured on."""

    name: str
    """Description of the samples."""
    data: str
    """The samples, see `datasets.specs.open_source`; skipped where they use a variable that is not set."""
    headline: str = "accuracy"
    """Name of the rate that tells most."""
    flags: tuple[str, ...] = ()
    """Further arguments of ``launch.evaluate``."""


@dataclasses.dataclass(frozen=True)
class Recipe:
    """Steps to a model, and facts about it that no command can tell."""

    title: str
    config: str
    """Configuration file of the run."""
    data: str
    """Description of the training samples."""
    drawn_with: str
    """Fonts and words of the renderer."""
    measures: tuple[Measure, ...]
    failures: str
    """Known failures."""
    before: tuple[tuple[str, ...], ...] = ()
    """Commands before training, without ``python -m``: preparation of samples, training of the run to start from."""
    export: tuple[str, ...] = ()
    """Further arguments of ``launch.export``."""


RECIPES = {
    "arithmetic": Recipe(
        title="Reads arithmetic expressions such as (8+5)-0=",
        config="launch/configs/quickstart.py",
        data="rendered expressions (`arithmetic`), digits and + - * ( ) =",
        drawn_with=f"{RUBIK}, its italic and {MICRO_HEI}; expressions are drawn at random",
        measures=(Measure("1,000 unseen rendered expressions", "arithmetic:count=1000,seed=3"),),
        failures=(
            "Of 12 mistakes in 1,000 expressions, five lost or added a character, at the right end or beside a -; the "
            "others confused operators with one another or with 1, 1 with 7, 5 with 8. Real captchas, other fonts and "
            "division were never seen."
        ),
        export=("--onnx",),
    ),
    "plate_finder": Recipe(
        title="Finds licence plates with their corners in photographs of streets",
        config="launch/configs/plate_finder_tuned.py",
        data=f"12,000 rendered streets (`scenes`) with Chinese plates, and then 61 photographs of vehicles {EASYPR}",
        drawn_with=f"strokes (`datasets.synthetic.plate_strokes`), {RUBIK} and {MICRO_HEI}; texts are drawn at random",
        measures=(
            Measure("500 unseen rendered streets", "scenes:seed=3,count=500", "recall_50"),
            Measure(
                "62 held-out photographs of vehicles in China",
                "held:0.5:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv",
                "recall_50",
            ),
        ),
        failures=(
            "In the 62 held-out photographs it misses six of 71 plates, all of them at most 38 pixels wide in "
            "pictures of 800 to 900 pixels, which it sees scaled to 416: give it larger cuts of such pictures. "
            "Three times it takes something else for a plate. Plates of other countries were never seen."
        ),
        before=(
            ("launch.prepare", "--render=scenes:seed=1", "--count=12000", "--data_dir=prepared", "--jpeg_quality=90"),
            (
                "launch.train",
                "--config=launch/configs/plate_finder_small.py",
                "--workdir=runs/plate_finder_small",
            ),
        ),
        export=("--onnx",),
    ),
    "plates": Recipe(
        title="Reads Chinese licence plates of all provinces, blue, green and yellow, cut out of photographs",
        config="launch/configs/plates_china_tuned.py",
        data=(
            "rendered plates (`plates`) of all provinces, then also on four fifths of 397 plates, mostly of Anhui "
            f"{LPRNET}, and of 138 cut out of photographs {EASYPR}"
        ),
        drawn_with=f"strokes (`datasets.synthetic.plate_strokes`), and {MICRO_HEI}; texts are drawn at random",
        measures=(
            Measure(
                "1,000 unseen rendered plates",
                "plates:seed=7,count=1000,height=24,width=94,home=皖,home_share=0.25,yellow=0.1",
            ),
            Measure("79 held-out plates, mostly of Anhui", "held:0.2:folder:$RECOG_REAL_DATA/plates_cn"),
            Measure(
                "27 held-out plates of other cameras and provinces",
                "held:0.2:crops:boxes:$RECOG_REAL_DATA/vehicles_cn/plates.tsv",
                flags=("--on_bad_sample=skip",),  # one has 学
            ),
        ),
        failures=(
            "In five folds of such pictures 13 of 397 plates of Anhui and 20 of 138 of other cameras were "
            "misread: D as 0, S as 5 or 9, Y and 7 as T, 8 as B, and the character of a province as another, "
            "such as 陕 as 皖, where plates are blurred or tilted far. Plates of two lines, of other countries, "
            "and with 学, 挂 or 警 were never seen."
        ),
        before=(("launch.train", "--config=launch/configs/plates_china.py", "--workdir=runs/plates_china"),),
        export=("--onnx",),
    ),
    "receipts": Recipe(
        title="Reads prices cut out of scanned receipts, such as RM 12.90",
        config="launch/configs/receipts_rendered.py",
        data="rendered receipt prices (`receipts`), two decimals each",
        drawn_with=(
            f"strokes (`datasets.synthetic.centre_lines`), {RUBIK}, {MICRO_HEI}, and DejaVu, STIX and Computer Modern "
            "(free fonts of matplotlib); prices are drawn at random"
        ),
        measures=(
            Measure("1,000 unseen rendered prices", "receipts:seed=3,count=1000"),
            Measure("real prices of scanned receipts", "folder:$RECOG_REAL_DATA/receipt_prices"),
        ),
        failures=(
            "Most of the 108 real prices that it misreads have one wrong digit, a 5 read as 6 above all. Prices "
            "without two decimals, with decimal commas or in other currencies than $ and RM, handwriting, and crops "
            "with more than the price were never seen."
        ),
        export=("--onnx",),
    ),
}
"""Recipes by the names of their models."""
