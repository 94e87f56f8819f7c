"""Choosing how much the parts of the score count, on shoppers that are not used to judge it.

First the weights that make what these shoppers turned to most likely (a conditional logit: the softmax of f over the
products they may be shown), which is convex. Then, from there and from a plain start, one setting after the other is
moved as long as NDCG@10 rises by more than its error: the likelihood cares for what stands at place 500, too.
Then the table is tried as it reads all of the history instead of the last products, and with likeness added, and its
weight is raised for the sake of reasons. Where nobody bought anything again, what was bought is put behind all else, in
the order of how often and how lately it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from math import log

import numpy as np
from scipy.optimize import minimize

from ..ranking import FAR, MixWeights, Reach, Score
from ..sequences import REPEAT_WINDOW
from .judge import Protocol, score_of
from .network import Network
from .tables import Tables
from .trial import FAR_POWER, LIKELIHOOD, REPEAT_DECAY, Trial, tables_read

TABLE_EPS = (0.003, 0.01, 0.03, 0.1)
# How much likeness may count in the table, whose rows sum to 1 on average.
LIKENESS = (0.03, 0.1, 0.3)
# The order of the fitted weights; the network must count a little, since the weight of what is recent is in its units.
FITTED = ("network", "table", "repeat", "bought", "recent")
LEAST = np.array([0.05, 0.0, 0.0, 0.0, 0.0])
# The search for the likeliest weights ends after so many steps, or where one gains less than this share of the loss:
# far less than its error, and about as little as sums of float32 can tell.
SEARCH = {"maxiter": 40, "ftol": 1e-6}
# What a weight is multiplied with, or becomes if it was 0, in search of a better NDCG@10, and how often all are moved.
FACTORS, FROM_ZERO = (0.0, 0.35, 0.6, 0.8, 1.25, 1.6, 2.5, 4.0), (0.3, 1.0, 3.0)
MOST_ROUNDS = 3
# A move is made when it gains more than this many times the standard error of the gain: the best of many is often luck.
STANDARD_ERRORS = 2.0
# What the table's weight is multiplied with at the end: what rests on the table has causes that can be named
# (docs/decisions/0018).
TOWARDS_REASONS = 1.4


@dataclass(frozen=True)
class Mix:
    """Weights, the power of the next-item table they are for, and how much recent popularity adds to the bias."""

    weights: MixWeights
    power: float
    recent: float = 0.0

    def values(self) -> np.ndarray:
        """The weights in the order of FITTED."""
        return np.array([*(getattr(self.weights, name) for name in FITTED[:-1]), self.recent * self.weights.network])

    def with_values(self, values: np.ndarray) -> "Mix":
        """The same with other weights, in the order of FITTED."""
        weights = dict(zip(FITTED, values.tolist(), strict=True))
        recent = weights.pop("recent") / weights["network"]
        return Mix(replace(self.weights, **weights), self.power, recent)

    def bias(self, bias: np.ndarray, recent: np.ndarray) -> np.ndarray:
        """The network's bias (n+1) with `recent * log(1 + events of the last 30 days)` of each item."""
        return (bias + np.float32(self.recent) * np.log1p(recent)).astype(np.float32)

    def score_of(self, network: Network, tables: Tables) -> Score:
        """The score that serving computes."""
        plain = score_of(network, tables.table(self.power, self.weights.likeness), self.weights)
        return replace(plain, bias=self.bias(plain.bias, tables.recent))


START = Mix(MixWeights(table=1.0, table_eps=0.01, repeat=12.0, repeat_decay=0.995), power=0.0)
# Between these lies `repeat` where only a few tell of it: with 1, how likely a product is bought again grows as 1 + R.
REPEAT_OF_FEW = 1.0, START.weights.repeat


class MixSearch:
    """Tries mixes on some shoppers of each protocol.

    `met_too` asks them of what they had met, too: it is looked at where the others bar that.
    """

    def __init__(self, network: Network, tables: Tables, asked: Sequence[Protocol], met_too: Protocol | None = None):
        self._network, self._tables = network, tables
        self._trials = [Trial(network, tables, protocol) for protocol in asked]
        self._met_too = met_too if all(protocol.takes_met_out for protocol in asked) else None

    def best(self, report: Callable[[float], None]) -> Mix:
        """The mix with the highest sum over the protocols of log NDCG@10 that is found, its table's weight then raised.

        One score serves every placement, so one mix must do for repeats and for new products; the logarithm weighs
        relative gains, so that the protocol with the larger numbers does not decide alone.
        """
        likeliest = self._likeliest(lambda share: report(2 * share / 5))
        climbed = []
        for done, start in enumerate((likeliest, START)):
            climbed.append(self._climbed(start, lambda share, done=done: report((2 + done + share) / 5)))
        found = self._reaching_far(max(climbed, key=self._worth), lambda share: report((4 + share) / 5))
        found = self._with_repeats(self._towards_reasons(self._with_likeness(found)))
        report(1.0)
        return found

    def best_table(self) -> tuple[float, Reach]:
        """The power and the reach with which the next-item table does best on its own, whatever the mix reads."""
        return max(
            tables_read(self._tables), key=lambda read: sum(trial.table_alone(*read).mean() for trial in self._trials)
        )

    def _reaching_far(self, mix: Mix, report: Callable[[float], None]) -> Mix:
        """The mix with a table that reads all of the history, if that is surely better."""
        far = replace(_with(mix, table_reads=FAR[0], table_fade=FAR[1]), power=FAR_POWER)
        found = self._surely_better(mix, [self._fitted(_with(far, table_eps=eps), mix) for eps in TABLE_EPS])
        return mix if found is mix else self._climbed(found, report)

    def _with_likeness(self, mix: Mix) -> Mix:
        """The mix with likeness in the table, if that is surely better."""
        if self._tables.likeness is None:
            return mix
        powers = sorted({mix.power, FAR_POWER})
        tried = [
            replace(_with(mix, likeness=likeness, table_eps=eps), power=power)
            for likeness, eps, power in product(LIKENESS, TABLE_EPS, powers)
        ]
        found = self._surely_better(mix, [self._fitted(one, mix) for one in tried])
        return mix if found is mix else self._climbed(found, lambda share: None)

    def _towards_reasons(self, mix: Mix) -> Mix:
        """The mix with TOWARDS_REASONS times the weight of the table, unless that is surely worse."""
        return self._surely_better(_with(mix, table=TOWARDS_REASONS * mix.weights.table), [mix])

    def _with_repeats(self, mix: Mix) -> Mix:
        """The mix; where no protocol weighed repeats, with what a few tell of them.

        Where nobody bought anything again nothing says that it is wanted, so what was bought stands behind all else,
        what was bought often and lately first.
        """
        if any(trial.bought_again for trial in self._trials):
            return mix
        few = self._few_who_repeat()
        return self._bought_last(mix) if few is None else _likeliest_repeats(mix, few)

    def _few_who_repeat(self) -> Trial | None:
        """Shoppers some of whom bought something again, where they may be asked of what they had met."""
        if self._met_too is None:
            return None
        asked = self._met_too.take(range(0, len(self._met_too.asked), -(-len(self._met_too.asked) // LIKELIHOOD)))
        trial = Trial(self._network, self._tables, asked)
        return trial if trial.bought_again else None

    def _bought_last(self, mix: Mix) -> Mix:
        """Having been bought counts less than nothing by as much as repeats can add, and any list looked at reaches
        from its first product to its last.
        """
        repeat, decay = START.weights.repeat, START.weights.repeat_decay
        mix = _with(mix, repeat=0.0, repeat_decay=decay, bought=0.0)
        reach = max(trial.spread(mix.values(), _parts(trial, mix)) for trial in self._trials)
        most = repeat * np.log1p(np.sum(decay ** np.arange(REPEAT_WINDOW)))
        return _with(mix, repeat=repeat, bought=-float(reach + most))

    def _likeliest(self, report: Callable[[float], None]) -> Mix:
        best = START
        steps = (self._decays, self._tables_read)
        for done, candidates in enumerate(steps):
            fitted, tried = [], candidates(best)
            for mix in tried:
                fitted.append(best := self._fitted(mix, best))
                report((done + len(fitted) / len(tried)) / len(steps))
            best = max(fitted, key=self._worth)
        return best

    def _climbed(self, best: Mix, report: Callable[[float], None]) -> Mix:
        """The mix after moving one setting at a time, each to where NDCG@10 is surely higher."""
        moves = [*(partial(_moved, weight=k) for k in range(1, len(FITTED))), self._decays, self._tables_read]
        for done in range(MOST_ROUNDS):
            before = best
            for k, candidates in enumerate(moves):
                best = self._surely_better(best, candidates(best))
                report((done + k / len(moves)) / MOST_ROUNDS)
            if best == before:
                break
        return best

    def _surely_better(self, best: Mix, candidates: Sequence[Mix]) -> Mix:
        """The candidate with the highest gain, if that is more than STANDARD_ERRORS of its own; else `best`."""
        now = [trial.ndcg(best.values(), _parts(trial, best)) for trial in self._trials]
        found = best, 0.0
        for mix in candidates:
            gain = error = 0.0
            for trial, before in zip(self._trials, now, strict=True):
                difference = trial.ndcg(mix.values(), _parts(trial, mix)) - before
                gain += difference.mean() / before.mean()
                error += difference.var() / len(before) / before.mean() ** 2
            if gain > max(found[1], STANDARD_ERRORS * error**0.5):
                found = mix, gain
        return found[0]

    def _worth(self, mix: Mix) -> float:
        return sum(log(trial.ndcg(mix.values(), _parts(trial, mix)).mean()) for trial in self._trials)

    def _decays(self, mix: Mix) -> list[Mix]:
        if not any(trial.tells_repeats for trial in self._trials):
            return [mix]  # each would do alike
        return [_with(mix, repeat_decay=decay) for decay in REPEAT_DECAY]

    def _tables_read(self, mix: Mix) -> list[Mix]:
        powers = [power for power, reach in tables_read(self._tables) if reach == mix.weights.reach]
        return [replace(_with(mix, table_eps=eps), power=power) for eps, power in product(TABLE_EPS, powers)]

    def _fitted(self, mix: Mix, near: Mix) -> Mix:
        """The mix with the likeliest weights, looked for from those of `near`."""
        losses = [trial.loss(_parts(trial, mix)) for trial in self._trials]

        def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
            found = [one(values) for one in losses]
            return sum(value for value, _ in found), sum(slope for _, slope in found)

        bounds = [(least, None) for least in LEAST]
        start = np.maximum(near.values(), LEAST)
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=SEARCH).x
        return mix.with_values(found)


def _likeliest_repeats(mix: Mix, trial: Trial) -> Mix:
    """The mix with what makes these shoppers' targets likeliest of `repeat` and `bought`, all else as it is."""
    loss, values, moved = trial.loss(_parts(trial, mix)), mix.values(), [FITTED.index("repeat"), FITTED.index("bought")]

    def of_both(both: np.ndarray) -> tuple[float, np.ndarray]:
        values[moved] = both
        value, slope = loss(values)
        return value, slope[moved]

    bounds = [REPEAT_OF_FEW, (None, None)]
    found = minimize(of_both, [REPEAT_OF_FEW[0], 0.0], jac=True, method="L-BFGS-B", bounds=bounds)
    return _with(mix, **dict(zip(("repeat", "bought"), found.x.tolist(), strict=True)))


def _parts(trial: Trial, mix: Mix) -> np.ndarray:
    weights = mix.weights
    return trial.parts(mix.power, weights.table_eps, weights.repeat_decay, weights.reach, weights.likeness)


def _with(mix: Mix, **changes: float) -> Mix:
    return replace(mix, weights=replace(mix.weights, **changes))


def _moved(mix: Mix, weight: int) -> list[Mix]:
    """Mixes that differ in one weight, by its place in FITTED."""
    values = mix.values()
    others = FROM_ZERO if values[weight] < 1e-6 else [factor * values[weight] for factor in FACTORS]
    return [mix.with_values(np.where(np.arange(len(values)) == weight, other, values)) for other in others]
