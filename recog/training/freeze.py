"""Frozen parameters: those that training leaves as they are, and the batch statistics that stand still with them."""

import contextlib
import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
from flax.traverse_util import flatten_dict, unflatten_dict

STATISTICS = "batch_stats"
"""Collection of the running statistics of batch normalisation."""
SHOWN = 4
"""Maximum number of paths to name in a message."""


class Freeze(NamedTuple):
    """Selection of parameters by a regular expression that is searched in paths such as ``backbone/conv1/kernel``."""

    pattern: str = ""
    """The expression; empty freezes nothing."""

    def covers(self, path: str) -> bool:
        """Whether the parameter of this path is frozen."""
        return bool(self.pattern) and re.search(self.pattern, path) is not None

    def check(self, params: Mapping[str, Any]) -> None:
        """Raises ``ValueError``, naming some paths, if the expression matches no parameter, or all of them."""
        if not self.pattern:
            return
        names = ["/".join(path) for path in flatten_dict(params)]
        frozen = sum(map(self.covers, names))
        if not frozen:
            raise ValueError(
                f"optimizer.freeze={self.pattern!r} matches none of the {len(names)} parameters, {paths_shown(names)}"
            )
        if frozen == len(names):
            raise ValueError(
                f"optimizer.freeze={self.pattern!r} matches all {len(names)} parameters, {paths_shown(names)}: narrow "
                "it so that some are left to train"
            )

    def trained(self, params: Any) -> Any:
        """The tree of the other parameters."""
        if not self.pattern:
            return params
        flat = flatten_dict(params)
        return unflatten_dict({path: leaf for path, leaf in flat.items() if not self.covers("/".join(path))})

    def still(self, variables: Mapping[str, Any]) -> frozenset[tuple[str, ...]]:
        """Paths of the modules whose batch statistics stand still: those whose own parameters are all frozen.

        For a module without parameters, the expression is searched in the paths of its statistics.
        """
        if not self.pattern:
            return frozenset()
        own: dict[tuple[str, ...], list[str]] = {}
        for path in flatten_dict(variables["params"]):
            own.setdefault(path[:-1], []).append("/".join(path))
        modules: dict[tuple[str, ...], list[str]] = {}
        for path in flatten_dict(variables.get(STATISTICS, {})):
            modules.setdefault(path[:-1], []).append("/".join(path))
        return frozenset(m for m, statistics in modules.items() if all(map(self.covers, own.get(m, statistics))))

    def holding(self, variables: Mapping[str, Any]) -> contextlib.AbstractContextManager[None]:
        """Context in which models normalise by the running statistics wherever these stand still."""
        still = self.still(variables)

        def hold(call, args, kwargs, context: nn.module.InterceptorContext):
            if context.method_name == "__call__" and context.module.path in still:
                kwargs = {**kwargs, "train": False}
            return call(*args, **kwargs)

        return nn.intercept_methods(hold) if still else contextlib.nullcontext()


NONE_FROZEN = Freeze()
"""Trains all parameters."""


def merged(params: Any, part: Any) -> Any:
    """All parameters, with those that ``part`` holds taken from there."""
    if jax.tree.structure(params) == jax.tree.structure(part):
        return part
    return unflatten_dict({**flatten_dict(params), **flatten_dict(part)})


def paths_shown(names: Collection[str]) -> str:
    """Some of the paths of parameters, from the first to the last, for messages."""
    names = list(names)
    chosen = names if len(names) <= SHOWN else [names[i * (len(names) - 1) // (SHOWN - 1)] for i in range(SHOWN)]
    return f"such as {', '.join(chosen)}"
