"""Choosing how much the parts of the score count, on shoppers that are not used to judge it.

The weights are those that make what these shoppers turned to most likely (a conditional logit: the softmax of f over
the products they may be shown), which is convex; what f is not linear in is tried value by value and chosen by NDCG@10.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.optimize import minimize

from ..metrics import ndcg
from ..ranking import Columns, MixWeights, Score, next_item_strength, repeat_strength
from .judge import Protocol, encode, score_of
from .network import Network
from .tables import Tables

# Cells (shoppers x items) of one part of the score that are held while weights are tried.
CELLS = 2_500_000
TABLE_EPS = (0.001, 0.01, 0.1)
REPEAT_DECAY = (0.98, 0.99, 0.995, 0.998, 1.0)
# The order of the fitted weights; the network must count a little, since the weight of what is recent is in its units.
FITTED = ("network", "table", "repeat", "bought", "recent")
LEAST = np.array([0.05, 0.0, 0.0, 0.0, 0.0])
MOST_ITERATIONS = 40


@dataclass(frozen=True)
class Mix:
    """Weights, the power of the next-item table they are for, and how much recent popularity adds to the bias."""

    weights: MixWeights
    power: float
    recent: float = 0.0

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
        self._trials = [_Trial(network, tables, protocol) for protocol in asked]

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
                values.append(sum(trial.value(best) for trial in self._trials))
                report((done + len(values) / len(tried)) / len(steps))
            best = fitted[int(np.argmax(values))]
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
        losses = [trial.loss(mix) for trial in self._trials]

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            found = [one(values) for one in losses]
            return sum(value for value, _ in found), sum(slope for _, slope in found)

        start = np.array([*(getattr(near.weights, name) for name in FITTED[:-1]), near.recent * near.weights.network])
        bounds = [(least, None) for least in LEAST]
        options = {"maxiter": MOST_ITERATIONS}
        found = minimize(loss, np.maximum(start, LEAST), jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
        weights = dict(zip(FITTED, found.tolist(), strict=True))
        recent = weights.pop("recent") / weights["network"]
        return Mix(replace(mix.weights, **weights), mix.power, recent)


class _Trial:
    """One protocol's shoppers with the parts of their scores, computed once."""

    def __init__(self, network: Network, tables: Tables, protocol: Protocol):
        n = len(network.bias) - 1
        self._protocol = protocol.take(range(min(len(protocol.asked), max(50, CELLS // n))))
        self._targets = [targets.tolist() for targets in self._protocol.asked.targets]
        histories = self._protocol.asked.histories
        hidden, columns = encode(network, histories, tables.trained_kinds), Columns(n + 1, None)
        plain = score_of(network, tables.next_item[START.power], START.weights)
        self._network = plain.parts(hidden, histories).network
        self._tables = {power: next_item_strength(t, histories, columns) for power, t in tables.next_item.items()}
        self._repeats = {decay: repeat_strength(histories, columns, decay) for decay in REPEAT_DECAY}
        self._recent = np.log1p(tables.recent)
        self._closed = np.zeros(self._network.shape, bool)
        self._closed[:, 0] = True
        if protocol.takes_met_out:
            for row, met in zip(self._closed, self._protocol.asked.met, strict=True):
                row[met] = True

    def parts(self, mix: Mix) -> list[np.ndarray]:
        """What the weights FITTED are multiplied with, each (S, n+1) or (n+1)."""
        repeats = self._repeats[mix.weights.repeat_decay]
        table = np.log(self._tables[mix.power] + np.float32(mix.weights.table_eps))
        return [self._network, table, np.log1p(repeats), (repeats > 0).astype(np.float32), self._recent]

    def loss(self, mix: Mix) -> Callable[[np.ndarray], tuple[float, np.ndarray]]:
        """Weights to how unlikely the targets are (the mean over shoppers of the mean of -log p), and its slope."""
        parts = self.parts(mix)
        seen = np.array([self._seen(part) for part in parts])

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            scores = self._sum(values, parts)
            scores[self._closed] = -np.inf
            top = scores.max(axis=1, keepdims=True)
            share = np.exp(np.subtract(scores, top, out=scores), out=scores)
            total = share.sum(axis=1, keepdims=True)
            share /= total
            expected = np.array([self._expected(share, part) for part in parts])
            return float((np.log(total) + top).mean() - values @ seen), expected - seen

        return loss

    def value(self, mix: Mix) -> float:
        """log NDCG@10."""
        values = [*(getattr(mix.weights, name) for name in FITTED[:-1]), mix.recent * mix.weights.network]
        return self._log_ndcg(self._sum(np.array(values), self.parts(mix)))

    def table_alone(self, power: float) -> float:
        """log NDCG@10 of the next-item table."""
        return self._log_ndcg(self._tables[power].copy())

    def _sum(self, values: np.ndarray, parts: Sequence[np.ndarray]) -> np.ndarray:
        scores = np.zeros(self._network.shape, np.float32)
        for value, part in zip(values.astype(np.float32), parts, strict=True):
            scores += value * part
        return scores

    def _expected(self, share: np.ndarray, part: np.ndarray) -> float:
        """What the part is for a product drawn with these shares."""
        total = share.sum(axis=0) @ part if part.ndim == 1 else np.vdot(share, part)
        return float(total) / len(share)

    def _seen(self, part: np.ndarray) -> float:
        """What the part is for what the shoppers turned to."""
        rows = np.broadcast_to(part, self._network.shape)
        return float(np.mean([row[targets].mean() for row, targets in zip(rows, self._targets, strict=True)]))

    def _log_ndcg(self, scores: np.ndarray) -> float:
        lists = self._protocol.lists(scores, 10)
        return float(np.log(np.mean([ndcg(r, set(t), 10) for r, t in zip(lists, self._targets, strict=True)]) + 1e-9))


def _with(mix: Mix, **changes: float) -> Mix:
    return replace(mix, weights=replace(mix.weights, **changes))
