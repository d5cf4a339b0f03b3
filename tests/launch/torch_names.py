"""Our variables under the names and in the layouts of `launch.benchmarks`' networks in PyTorch."""

import re
from collections.abc import Iterator
from typing import Any

import flax.traverse_util
import numpy as np

LEAVES = {"kernel": "weight", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}
LAYOUTS = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}
RENAMED = (
    (r"\.block(?=\.|$)", ""),
    (r"^(recurrent|encoder)\.projection", r"\1.stack.projection"),
    (r"^backbone\.stage(\d)_(block\d|down)_?", r"backbone.stages.\1.\2."),
    (r"\.\.", "."),
    (r"^neck(\d+)_", r"scales.\1.neck."),
    (r"^head(\d+)_expand", r"scales.\1.expand"),
    (r"^head(\d+)$", r"scales.\1.found"),
    (r"^corners(\d+)$", r"scales.\1.corners"),
    (r"^from32", "scales.16.above"),
    (r"^from16", "scales.8.above"),
)
"""Modules with other names in PyTorch, after one another."""


def transplant(network: Any, variables: dict) -> None:
    """Gives PyTorch's network our variables; none is left over and none missing."""
    import torch  # pyright: ignore[reportMissingImports]  # the caller has asked whether it is installed

    tensors = {name: torch.tensor(np.array(array)) for name, array in _tensors(variables)}
    missing, unexpected = network.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


def _tensors(variables: dict) -> Iterator[tuple[str, np.ndarray]]:
    params = dict(variables["params"])
    for name in ("recurrent", "encoder"):
        yield from _recurrent_layers(name, params.get(name, {}))
    for name in [name for name in params if name.startswith("decoders_")]:
        yield from _decoder(name.replace("_", ".", 1), params.pop(name))
    for tree in (params, variables["batch_stats"]):
        flat: Any = flax.traverse_util.flatten_dict(tree)
        for (*modules, leaf), array in flat.items():
            if not re.match(r"(recurrent|encoder)\.layer", ".".join(modules)):
                yield f"{_renamed(modules)}.{LEAVES[leaf]}", array.transpose(LAYOUTS[array.ndim])


def _renamed(modules: list[str]) -> str:
    name = ".".join(modules)
    for ours, theirs in RENAMED:
        name = re.sub(ours, theirs, name)
    return name


def _recurrent_layers(name: str, recurrent: dict) -> Iterator[tuple[str, np.ndarray]]:
    """Our LSTM layers, which have one bias where PyTorch's have two."""
    layers = [layer for layer in recurrent if layer.startswith("layer")]
    for number, layer in enumerate(layers):
        # Without projections, one nn.LSTM holds all layers.
        module, place = (layer, 0) if "projection1" in recurrent else (layers[0], number)
        arrays = recurrent[layer]
        for way, suffix in enumerate(("", "_reverse")):
            prefix, end = f"{name}.stack.{module}.", f"_l{place}{suffix}"
            yield f"{prefix}weight_ih{end}", arrays["kernel"][way].T
            yield f"{prefix}weight_hh{end}", arrays["recurrent"][way].T
            yield f"{prefix}bias_ih{end}", arrays["bias"][way]
            yield f"{prefix}bias_hh{end}", np.zeros_like(arrays["bias"][way])


def _decoder(name: str, arrays: dict) -> Iterator[tuple[str, np.ndarray]]:
    """Our attention decoder, whose cell has separate kernels for the context and the previous token."""
    for layer in ("position", "query", "score", "output"):
        yield f"{name}.{layer}.weight", arrays[layer].T
    for layer in ("query", "output"):
        yield f"{name}.{layer}.bias", arrays[f"{layer}_bias"]
    yield f"{name}.cell.weight_ih", np.concatenate([arrays["context"], arrays["token"]]).T
    yield f"{name}.cell.weight_hh", arrays["recurrent"].T
    yield f"{name}.cell.bias_ih", arrays["bias"]
    yield f"{name}.cell.bias_hh", np.zeros_like(arrays["bias"])
