"""How much it counts that a product has the brand or the category of one of the newest: asked last, and often nothing.

The rest of the mix stands. The weights that make the targets likeliest beside it are tried, and smaller and larger
ones; they stay only if attributes make the targets surely likelier and the lists better.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from ..attributes import FIELDS
from .trial import Trial

# The weights that were fitted are tried so many times as large.
FACTORS = (0.25, 0.5, 0.75, 1.0, 1.5)
# The likelihood must rise by more than this many times the standard error of the rise: with weights that were fitted,
# what tells nothing gets so far once in 3,000 trainings.
STANDARD_ERRORS = 2.0
# The rest of the mix must count a little, as it is what the weights are relative to.
LEAST = 0.05


@dataclass(frozen=True, eq=False)
class Beside:
    """One protocol's shoppers (S) and their candidates, with the scores (S, C) that the rest of the mix gives them."""

    trial: Trial
    scores: np.ndarray

    @cached_property
    def parts(self) -> np.ndarray:
        """What is weighted: the rest of the mix, then each of FIELDS; (1 + F, S, C)."""
        return np.stack([self.scores, *self.trial.common()])

    @cached_property
    def alone(self) -> np.ndarray:
        """NDCG@10 of each shopper (S) without attributes."""
        return self.trial.ndcg(_with_rest(np.zeros(len(FIELDS))), self.parts)

    def gain(self, weights: np.ndarray) -> float:
        """How much NDCG@10 gains, relative to what it is without."""
        return float(self.trial.ndcg(_with_rest(weights), self.parts).mean() / self.alone.mean()) - 1

    def likelier(self, values: np.ndarray, than: np.ndarray) -> np.ndarray:
        """By how much each shopper's targets are likelier (S) with some values of the parts than with others."""
        return self.trial.unlikelihood(than, self.parts) - self.trial.unlikelihood(values, self.parts)


def attribute_weights(asked: Sequence[Beside]) -> tuple[float, ...]:
    """The weights beside the rest of the mix, one for each of FIELDS; all 0 where attributes surely add nothing."""
    fitted, rest_alone = _likeliest(asked, None), _likeliest(asked, 0.0)
    weights = fitted[1:] / fitted[0]
    best = max((factor * weights for factor in FACTORS), key=lambda tried: _gain(asked, tried))
    if not weights.any() or not _surely_likelier(asked, fitted, rest_alone) or _gain(asked, best) <= 0:
        return (0.0,) * len(FIELDS)
    return tuple(best.tolist())


def _likeliest(asked: Sequence[Beside], most: float | None) -> np.ndarray:
    """The weight of the rest, then those of FIELDS, which are `most` at most."""
    losses = [beside.trial.loss(beside.parts) for beside in asked]

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        found = [one(values) for one in losses]
        return sum(value for value, _ in found), sum(slope for _, slope in found)

    bounds = [(LEAST, None), *[(0.0, most)] * len(FIELDS)]
    return minimize(loss, _with_rest(np.zeros(len(FIELDS))), jac=True, method="L-BFGS-B", bounds=bounds).x


def _surely_likelier(asked: Sequence[Beside], fitted: np.ndarray, than: np.ndarray) -> bool:
    gain = error = 0.0
    for beside in asked:
        gained = beside.likelier(fitted, than)
        gain += float(gained.mean())
        error += float(gained.var()) / len(gained)
    return gain > STANDARD_ERRORS * error**0.5


def _gain(asked: Sequence[Beside], weights: np.ndarray) -> float:
    return sum(beside.gain(weights) for beside in asked)


def _with_rest(weights: np.ndarray) -> np.ndarray:
    return np.array([1.0, *weights])
