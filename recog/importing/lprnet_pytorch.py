"""Weights of sirius-ai/LPRNet_Pytorch as variables of `recog.models.lprnet.LPRNet`."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recog.importing.state_dict import Place, StateDict, batch_norm, batch_statistics, convolution, fill, size
from recog.models.lprnet import HEIGHT, WIDTH, LPRNet, LPRNetConfig
from recog.tasks.task import Variables

MODEL = "LPRNet_Pytorch"

CONVOLUTIONS = {"conv1": 0, "conv2": 16, "conv3": 20}
"""Indices in the port's ``backbone``; the batch normalisation of each is at the next index."""

BLOCKS = {"block1": 4, "block2": 8, "block3": 11}
"""Indices of its small basic blocks, likewise."""

INNER = {"reduce": 0, "vertical": 2, "horizontal": 4, "expand": 6}
"""Indices of the convolutions within a block."""

PIXELS = 127.5 * 0.0078125
"""Factor from the pixels of a reader here, ``(x - 127.5) / 127.5``, to the port's, ``(x - 127.5) * 0.0078125``."""


def convert(state_dict: StateDict) -> Variables:
    """Converts a state dict to variables for ``LPRNet(LPRNetConfig(), classes)``, with as many classes as it has.

    The port reads BGR and other units (`PIXELS`). Both go into the first kernel, so that the model takes the RGB in
    -1..1 that every reader here takes. The port's blank is the last class.

    ``LPRNetConfig(context="batch")`` computes the port's numbers; ``sample`` those of the port at batch size one.

    Args:
      state_dict: tensors from `recog.importing.torch_file.load_state_dict`.

    Raises:
      WeightsError: names the tensors that are missing, unexpected or of a wrong shape.
    """
    classes = size(state_dict, "container.0.weight", 0, MODEL)
    model = LPRNet(LPRNetConfig(), classes)
    images, widths = jnp.zeros((1, HEIGHT, WIDTH, 3)), jnp.array([WIDTH])
    expected = jax.eval_shape(lambda: model.init(jax.random.key(0), images, widths, train=False))
    return fill(_places(), state_dict, dict(expected), MODEL)


def _places() -> dict[str, Any]:
    params: dict[str, Any] = {"classifier": convolution("container.0")}
    stats: dict[str, Any] = {}
    for name, at in CONVOLUTIONS.items():
        params[name] = {"conv": convolution(f"backbone.{at}"), "norm": batch_norm(f"backbone.{at + 1}")}
        stats[name] = {"norm": batch_statistics(f"backbone.{at + 1}")}
    for name, at in BLOCKS.items():
        params[name] = {part: {"conv": convolution(f"backbone.{at}.block.{inner}")} for part, inner in INNER.items()}
        params[name]["expand"]["norm"] = batch_norm(f"backbone.{at + 1}")
        stats[name] = {"expand": {"norm": batch_statistics(f"backbone.{at + 1}")}}
    params["conv1"]["conv"]["kernel"] = Place((f"backbone.{CONVOLUTIONS['conv1']}.weight",), _from_rgb)
    return {"params": params, "batch_stats": stats}


def _from_rgb(weight: np.ndarray) -> np.ndarray:
    """Turns the first kernel, for BGR in the port's units, into one for RGB in -1..1."""
    return weight.transpose(2, 3, 1, 0)[:, :, ::-1] * PIXELS
