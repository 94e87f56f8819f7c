"""Choosing how much the parts of the score count, on shoppers that are not used to judge it.

The weights are those that make what these shoppers turned to most likely (a conditional logit: the softmax of f over
the products they may be shown), which is convex; what f is not linear in is tried value by value and chosen by NDCG@10.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import log

import numpy as np
from scipy.optimize import minimize

from ..ranking import MixWeights, Score
from .judge import Protocol, score_of
from .network import Network
from .tables import Tables
from .trial import REPEAT_DECAY, Trial

TABLE_EPS = (0.003, 0.01, 0.03, 0.1)
# The order of the fitted weights; the network must count a little, since the weight of what is recent is in its units.
FITTED = ("network", "table", "repeat", "bought", "recent")
LEAST = np.array([0.05, 0.0, 0.0, 0.0, 0.0])
MOST_ITERATIONS = 40
# What each weight is multiplied with when it is looked for by NDCG@10, and what is tried where it is 0.
FACTORS, FROM_ZERO = (0.0, 0.35, 0.6, 0.8, 1.25, 1.6, 2.5, 4.0), (0.3, 1.0, 3.0)
ROUNDS = 3
LEAST_GAIN = 1e-3  # of the sum of log NDCG@10 in a round; less is noise


@dataclass(frozen=True)
class Mix:
    """Weights, the power of the next-item table they are for, and how much recent popularity adds to the bias."""

    weights: MixWeights
    power: float
    recent: float = 0.0

    def values(self) -> np.ndarray:
        """The weights in the order of FITTED."""
        return np.array([*(getattr(self.weights, name) for name in FITTED[:-1]), self.recent * self.weights.network])

    def bias(self, bias: np.ndarray, recent: np.ndarray) -> np.ndarray:
        """The network's bias (n+1) with `recent * log(1 + events of the last 30 days)` of each item."""
        return (bias + np.float32(self.recent) * np.log1p(recent)).astype(np.float32)

    def score_of(self, network: Network, tables: Tables) -> Score:
        """The score that serving computes."""
        plain = score_of(network, tables.next_item[self.power], self.weights)
        return replace(plain, bias=self.bias(plain.bias, tables.recent))


START = Mix(MixWeights(table=0.5, table_eps=0.01, repeat=3.0, repeat_decay=0.995), power=0.0)


class MixSearch:
    """Tries mixes on some shoppers of each protocol."""

    def __init__(self, network: Network, tables: Tables, asked: Sequence[Protocol]):
        self._tables = tables
        self._trials = [Trial(network, tables, protocol) for protocol in asked]

    def best(self, report: Callable[[float], None]) -> Mix:
        """The mix with the highest sum over the protocols of log NDCG@10.

        One score serves every placement, so one mix must do for repeats and for new products; the logarithm weighs
        relative gains, so that the protocol with the larger numbers does not decide alone.
        """
        best = START
        steps = (self._decays, self._tables_read)
        for done, candidates in enumerate(steps):
            fitted, values, tried = [], [], candidates(best)
            for mix in tried:
                fitted.append(best := self._fitted(mix, best))
                values.append(self._value(best))
                report((done + len(values) / len(tried)) / len(steps))
            best = fitted[int(np.argmax(values))]
        return max((self._sharpened(best), self._sharpened(START)), key=self._value)

    def _value(self, mix: Mix, parts: Sequence[list[np.ndarray]] | None = None) -> float:
        """The sum of log NDCG@10; `parts` are those of the mix, if they are known already."""
        parts = parts or [_parts(trial, mix) for trial in self._trials]
        return sum(log(trial.ndcg(mix.values(), some)) for trial, some in zip(self._trials, parts, strict=True))

    def _sharpened(self, mix: Mix) -> Mix:
        """The best mix by NDCG@10 that changing one weight at a time leads to.

        The likeliest weights weigh all that a shopper turned to alike; where they turn to a hundred products, a list of
        ten wants the surest ones, and other weights.
        """
        best, value = mix, self._value(mix)
        for _ in range(ROUNDS):
            before, parts = value, [_parts(trial, best) for trial in self._trials]
            for place in range(len(FITTED)):
                for tried in _with_another(best, place):
                    if (found := self._value(tried, parts)) > value:
                        best, value = tried, found
            for tried in (*self._decays(best), *self._tables_read(best)):
                if (found := self._value(tried)) > value:
                    best, value = tried, found
            if value - before < LEAST_GAIN:
                break
        return best

    def best_table_power(self) -> float:
        """The power with which the next-item table does best on its own."""
        return max(self._tables.next_item, key=lambda power: sum(trial.table_alone(power) for trial in self._trials))

    def _decays(self, mix: Mix) -> list[Mix]:
        return [_with(mix, repeat_decay=decay) for decay in REPEAT_DECAY]

    def _tables_read(self, mix: Mix) -> list[Mix]:
        powers = self._tables.next_item
        return [replace(_with(mix, table_eps=eps), power=power) for eps, power in product(TABLE_EPS, powers)]

    def _fitted(self, mix: Mix, near: Mix) -> Mix:
        """The mix with the likeliest weights, looked for from those of `near`."""
        losses = [trial.loss(_parts(trial, mix)) for trial in self._trials]

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            found = [one(values) for one in losses]
            return sum(value for value, _ in found), sum(slope for _, slope in found)

        bounds = [(least, None) for least in LEAST]
        options = {"maxiter": MOST_ITERATIONS}
        start = np.maximum(near.values(), LEAST)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        return _of_values(mix, found)


def _of_values(mix: Mix, values: np.ndarray) -> Mix:
    """The mix with these weights, in the order of FITTED."""
    weights = dict(zip(FITTED, values.tolist(), strict=True))
    recent = weights.pop("recent") / weights["network"]
    return Mix(replace(mix.weights, **weights), mix.power, recent)


def _with_another(mix: Mix, place: int) -> list[Mix]:
    """The mix with other values of one weight, the FITTED one at that place."""
    values = mix.values()
    tried = [values[place] * factor for factor in FACTORS] if values[place] else FROM_ZERO
    changed = []
    for value in tried:
        values[place] = max(value, LEAST[place])
        changed.append(_of_values(mix, values))
    return changed


def _parts(trial: Trial, mix: Mix) -> list[np.ndarray]:
    return trial.parts(mix.power, mix.weights.table_eps, mix.weights.repeat_decay)


def _with(mix: Mix, **changes: float) -> Mix:
    return replace(mix, weights=replace(mix.weights, **changes))
