"""Mark of the feature map that explanations differentiate by."""

from typing import Any

import flax.linen as nn

FEATURE_MAP = "feature_map"
"""Name of the map, and of the variable collection that receives it."""


def feature_map(module: nn.Module, x: Any) -> Any:
    """Returns ``x``, the last convolutional feature map (B Y X D) before its rows are reduced to one.

    Models call it once. It has no effect unless ``apply`` is given ``perturbations``, which are added to it, or may
    change `FEATURE_MAP`, which receives it (`recog.explaining.gradcam`). It keeps out of Flax's ``intermediates``,
    which hold the results of modules alone.
    """
    if module.is_initializing():  # otherwise a shift would become part of a model's variables
        return x
    module.sow(FEATURE_MAP, FEATURE_MAP, x)
    return module.perturb(FEATURE_MAP, x)
