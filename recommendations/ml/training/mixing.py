"""Choosing how much the parts of the score count, on shoppers that are not used to judge it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from ..metrics import ndcg
from ..ranking import Columns, MixWeights, NextItemTable, Parts, next_item_strength, repeat_strength
from .judge import Protocol, encode, score_of
from .network import Network

# Cells (shoppers x items) of one part of the score that are held while weights are tried.
CELLS = 2_500_000
TABLE = (0.0, 0.5, 1.0, 2.0)
TABLE_EPS = (0.001, 0.01, 0.1)
REPEAT = (0.0, 1.0, 2.0, 3.0, 5.0, 8.0, 12.0)
REPEAT_DECAY = (0.98, 0.99, 0.995, 0.998, 1.0)


@dataclass(frozen=True)
class Mix:
    """Weights, and the power of the next-item table they are for."""

    weights: MixWeights
    power: float


START = Mix(MixWeights(table=0.5, table_eps=0.01, repeat=3.0, repeat_decay=0.995), power=0.0)


class MixSearch:
    """Tries mixes on some shoppers of each protocol."""

    def __init__(
        self,
        network: Network,
        tables: dict[float, NextItemTable],
        trained_kinds: Sequence[int],
        asked: Sequence[Protocol],
    ):
        self._tables = tables
        self._trials = [_Trial(network, tables, trained_kinds, protocol) for protocol in asked]

    def best(self, report: Callable[[float], None]) -> Mix:
        """The mix with the highest sum over the protocols of log NDCG@10.

        One score serves every placement, so one mix must do for repeats and for new products; the logarithm weighs
        relative gains, so that the protocol with the larger numbers does not decide alone. One or two weights are
        searched at a time; of equal ones the first, which is the smaller, wins.
        """
        steps = [self._repeats, self._decays, self._table_weights, self._repeats]
        best = START
        for done, candidates in enumerate(steps):
            tried = candidates(best)
            values = []
            for mix in tried:
                values.append(sum(trial.value(mix) for trial in self._trials))
                report((done + len(values) / len(tried)) / len(steps))
            best = tried[int(np.argmax(values))]
        return best

    def best_table_power(self) -> float:
        """The power with which the next-item table does best on its own."""
        return max(self._tables, key=lambda power: sum(trial.table_alone(power) for trial in self._trials))

    def _repeats(self, mix: Mix) -> list[Mix]:
        return [_with(mix, repeat=repeat) for repeat in REPEAT]

    def _decays(self, mix: Mix) -> list[Mix]:
        return [_with(mix, repeat_decay=decay) for decay in REPEAT_DECAY]

    def _table_weights(self, mix: Mix) -> list[Mix]:
        without = [_with(mix, table=TABLE[0])]
        tried = product(TABLE[1:], TABLE_EPS, self._tables)
        return without + [Mix(_with(mix, table=t, table_eps=eps).weights, power) for t, eps, power in tried]


class _Trial:
    """One protocol's shoppers with the parts of their scores, computed once."""

    def __init__(self, network: Network, tables: dict[float, NextItemTable], trained_kinds, protocol: Protocol):
        n = len(network.bias) - 1
        self._protocol = protocol.take(range(min(len(protocol.asked), max(50, CELLS // n))))
        self._targets = [set(targets.tolist()) for targets in self._protocol.asked.targets]
        histories = self._protocol.asked.histories
        hidden = encode(network, histories, trained_kinds)
        columns = Columns(n + 1, None)
        self._network = score_of(network, next(iter(tables.values())), START.weights).parts(hidden, histories).network
        self._tables = {power: next_item_strength(table, histories, columns) for power, table in tables.items()}
        self._repeats = {decay: repeat_strength(histories, columns, decay) for decay in REPEAT_DECAY}
        self._known: dict[Mix, float] = {}

    def value(self, mix: Mix) -> float:
        """log NDCG@10."""
        if self._protocol.takes_met_out:  # the repeat term touches met products only
            mix = _with(mix, repeat=0.0, repeat_decay=1.0)
        if mix not in self._known:
            parts = Parts(self._network, self._tables[mix.power], self._repeats[mix.weights.repeat_decay])
            self._known[mix] = self._log_ndcg(parts.mixed(mix.weights))
        return self._known[mix]

    def table_alone(self, power: float) -> float:
        """log NDCG@10 of the next-item table."""
        return self._log_ndcg(self._tables[power].copy())

    def _log_ndcg(self, scores: np.ndarray) -> float:
        lists = self._protocol.lists(scores, 10)
        return float(np.log(np.mean([ndcg(r, t, 10) for r, t in zip(lists, self._targets, strict=True)]) + 1e-9))


def _with(mix: Mix, **changes: float) -> Mix:
    return Mix(replace(mix.weights, **changes), mix.power)
