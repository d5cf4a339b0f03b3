"""McNemar's p values are sums of binomial coefficients, and those of published tables."""

from math import comb

import numpy as np
import pytest

from recog.evaluation.mcnemar import mcnemar


def results(both: int, first: int, second: int, neither: int) -> tuple[list[bool], list[bool]]:
    """Results of two models by the four cells of their table."""
    return (
        [True] * (both + first) + [False] * (second + neither),
        [True] * both + [False] * first + [True] * second + [False] * neither,
    )


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 8), (8, 1), (5, 5), (7, 6), (0, 20), (30, 47)])
def test_p_is_twice_the_tail_of_fair_coins(first, second):
    tail = sum(comb(first + second, k) for k in range(min(first, second) + 1)) / 2 ** (first + second)
    found = mcnemar(*results(11, first, second, 3))
    assert found[:2] == (first, second)
    assert found.p == pytest.approx(min(1.0, 2 * tail), rel=1e-9)


def test_approval_of_a_president():
    """Agresti 1990, p. 350, two surveys of the same people: statsmodels' ``mcnemar(exact=True)``."""
    assert mcnemar(*results(794, 150, 86, 570)).p == pytest.approx(3.7159e-05, rel=1e-3)


def test_models_that_agree_do_not_differ():
    assert mcnemar([True, False], [True, False]) == (0, 0, 1.0)
    assert mcnemar([], []) == (0, 0, 1.0)


def test_results_of_other_samples_are_refused():
    with pytest.raises(ValueError, match="cannot be paired"):
        mcnemar(np.ones(3), np.ones(2))
