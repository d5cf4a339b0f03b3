"""Learning rates by layer: factors of the updates of the parameters whose paths match regular expressions."""

import math
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import optax
from flax.traverse_util import flatten_dict

from recog.training.freeze import paths_shown


class LayerRate(NamedTuple):
    """Factor of the learning rate of some parameters."""

    pattern: str
    """Regular expression that is searched in paths such as ``backbone/conv1/kernel``."""
    factor: float


def parse_rates(written: Sequence[str]) -> list[LayerRate]:
    """Parses entries of ``optimizer.learning_rate_of``, written ``REGEX=FACTOR``.

    Raises:
      ValueError: an entry has another form, or a factor that is not more than 0; names the entry.
    """
    return [_parse(entry) for entry in written]


def _parse(entry: str) -> LayerRate:
    pattern, _, number = entry.rpartition("=")
    asked = f"optimizer.learning_rate_of: {entry!r}"
    try:
        factor = float(number)
        re.compile(pattern)
    except (ValueError, re.error) as error:
        raise ValueError(f"{asked} is not REGEX=FACTOR, such as '^backbone/=0.1': {error}") from error
    if not pattern:
        raise ValueError(f"{asked} has no expression before its factor: write REGEX=FACTOR, such as '^backbone/=0.1'")
    if factor == 0:
        raise ValueError(f"{asked} would train nothing there: use --config.optimizer.freeze={pattern!r}")
    if not 0 < factor < math.inf:
        raise ValueError(f"{asked} has the factor {factor}: choose more than 0")
    return LayerRate(pattern, factor)


def scale_by_path(rates: Sequence[LayerRate]) -> optax.GradientTransformation:
    """Multiplies updates by the factor of the first expression that matches their path, or by 1.

    ``init`` raises ``ValueError``, naming some paths, if an expression applies to no parameter.
    """

    def init(params: Any) -> optax.EmptyState:
        names = ["/".join(path) for path in flatten_dict(params)]
        applied = {_first(rates, name) for name in names}
        for rate in rates:
            if rate not in applied:
                raise ValueError(
                    f"optimizer.learning_rate_of: {rate.pattern!r} matches none of the {len(names)} trained parameters "
                    f"that no earlier expression matches, {paths_shown(names)}"
                )
        return optax.EmptyState()

    def update(updates, state, params=None):
        del params
        return jax.tree_util.tree_map_with_path(scaled, updates), state

    def scaled(path, update):
        rate = _first(rates, jax.tree_util.keystr(path, simple=True, separator="/"))
        return update * rate.factor if rate else update

    return optax.GradientTransformation(init, update)


def _first(rates: Sequence[LayerRate], path: str) -> LayerRate | None:
    return next((rate for rate in rates if re.search(rate.pattern, path)), None)
