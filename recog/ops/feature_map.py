"""Mark of the feature map that explanations differentiate by."""

from typing import Any

import flax.linen as nn

FEATURE_MAP = "feature_map"
"""Name of the map and of its shift, in the collections that Flax calls ``intermediates`` and ``perturbations``."""


def feature_map(module: nn.Module, x: Any) -> Any:
    """Returns ``x``, the last convolutional feature map (B Y X D) before its rows are reduced to one.

    Models call it once. It has no effect unless ``apply`` is given ``perturbations``, which are added, or may change
    ``intermediates``, which receive the map (`recog.explaining.gradcam`).
    """
    if module.is_initializing():  # otherwise the shift would become part of a model's variables
        return x
    module.sow("intermediates", FEATURE_MAP, x)
    return module.perturb(FEATURE_MAP, x)
