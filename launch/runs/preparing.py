"""Flags of ``launch.prepare``, and the mode that they select."""

from absl import flags

from datasets.builders.prepare import set_names
from launch.runs.config_file import define_config_flag
from launch.runs.modes import Mode, choose_mode
from launch.runs.ngram import ORDER
from launch.runs.wanted_classes import BUILT_IN

flags.disclaim_key_flags()  # --help lists them as those of the command

MODES = {
    "dataset": Mode(required=("source", "data_dir"), optional=("on_bad_sample",)),
    "render": Mode(required=("count", "data_dir"), optional=("workers", "name", "jpeg_quality")),
    "preview": Mode(optional=("out", "count")),
    "priors": Mode(required=("data",), optional=("count", "height", "width", "config", "on_bad_sample")),
    "report": Mode(required=("data",), optional=("out", "count", "height", "config")),
    "outliers": Mode(required=("data", "model", "classes"), optional=("top", "out")),
    "ngram": Mode(required=("data",), optional=("order", "count", "config", "on_bad_sample")),
}
USAGE = (
    "--dataset=NAME --source=DIR --data_dir=DIR, --render=SAMPLES --count=N --data_dir=DIR, --preview=SAMPLES, "
    "--report --data=SAMPLES, --priors --data=SAMPLES, --outliers --data=SAMPLES --model=ARTIFACT --classes=FILE, and "
    "--ngram=FILE --data=LABELS"
)


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_string("dataset", None, f"Public set to prepare: {', '.join(set_names())}.")
    flags.DEFINE_string("source", None, "Folder with its published files.")
    flags.DEFINE_string("data_dir", None, "Folder above all prepared sets.")
    flags.DEFINE_enum("on_bad_sample", None, ["raise", "skip"], "Malformed entries (skip in sets known to have some).")
    flags.DEFINE_string("render", None, "Rendered samples to store: scenes:seed=1, plates, ...")
    flags.DEFINE_integer("workers", None, "Processes that render (number of cores).", 1)
    flags.DEFINE_string("name", None, "Name of the stored set (that of the renderer).")
    flags.DEFINE_integer("jpeg_quality", None, "Quality of stored pictures; without it, lossless PNG.", 1, 100)
    flags.DEFINE_string("preview", None, "Samples to draw on a contact sheet: plates, folder:PATH, ...")
    flags.DEFINE_boolean("report", False, "Report on the samples of --data.")
    flags.DEFINE_boolean("priors", False, "Find priors of a detector for the boxes of --data.")
    flags.DEFINE_boolean("outliers", False, "Find pictures of --data that show none of the classes they should.")
    flags.DEFINE_string("model", None, "Artifact of a classifier of ImageNet.")
    flags.DEFINE_string("classes", None, f"Wanted classes: {', '.join(BUILT_IN)}, or a file with one per line.")
    flags.DEFINE_integer("top", None, "Number of the model's first classes that must hold a wanted one (20).", 1)
    flags.DEFINE_string("ngram", None, "ARPA file to write.")
    flags.DEFINE_integer("order", None, f"Number of tokens of the longest n-grams ({ORDER}).", 1)
    flags.DEFINE_string("data", None, "Samples to report on or to train on: folder:PATH, plates:seed=1, ...")
    flags.DEFINE_string("out", None, "PNG of the preview (preview.png), folder of the report (report) or of outliers.")
    flags.DEFINE_integer(
        "count", None, "Samples to store, to draw (60), or to use of a rendered source (2000); priors (9).", 1
    )
    flags.DEFINE_integer("height", None, "Pixels at which the report measures widths (32), or of a detector.", 1)
    flags.DEFINE_integer("width", None, "Pixels into whose width a detector's pictures are letterboxed.", 1)
    define_config_flag("A file under launch/configs/, whose alphabet and model are used.")


def chosen_mode(values: flags.FlagValues) -> str:
    """Name of the mode that the given flags select; raises ``ValueError`` if they do not go together."""
    names = [*MODES, *(flag for mode in MODES.values() for flag in (*mode.required, *mode.optional))]
    return choose_mode([name for name in names if getattr(values, name)], MODES, USAGE)
