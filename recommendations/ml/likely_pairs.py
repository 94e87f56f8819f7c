"""Which pairs of units are worth trying: those without which an item probably leaves the list.

Effects on the network's part of the score nearly add up, those on the next-item table do not: what follows two of the
newest products hardly misses one of them (the logarithm), and much misses both. So the network's part is added up, the
table's is computed as it will be. A guess: what is named is proven afterwards.
"""

from collections.abc import Sequence

import numpy as np

from .ranking import Columns, logits
from .reasons import LeaveOneOut
from .sequences import product_tokens
from .staying import Reading

# Of as many newest tokens as the table reads, twice as many: some may be read once two units are gone.
TWICE = 2


class LikelyPairs:
    """For some items of a pool, the units two by two."""

    def __init__(self, left: LeaveOneOut, whole: Reading, items: Sequence[int], limit: int) -> None:
        self._left, self._items = left, np.array(items, np.int32)
        self.first, self.second = np.triu_indices(len(left.units), 1)
        near = TWICE * left.scorer.score.weights.table_reads
        self._newest = product_tokens(left.history)[: -near - 1 : -1]  # (T)
        self._left_over, self._read = self._tokens_left()
        score = self._network(whole) + self._table()
        self._gap = score - self._last_place(limit)[:, None]  # (P, I)

    def best(self, place: int, rows: np.ndarray, count: int) -> list[tuple[int, int]]:
        """At most `count` pairs of units for the item at `place` of the items, the likeliest first.

        `rows`, bool (m), says which units may be in one.
        """
        possible = np.flatnonzero(rows[self.first] & rows[self.second])
        likely = possible[np.argsort(self._gap[possible, place], kind="stable")[:count]]
        units = self._left.units
        return [tuple(sorted((units[self.first[k]], units[self.second[k]]))) for k in likely.tolist()]

    def _network(self, whole: Reading) -> np.ndarray:
        """(P, I): the network's part without each pair, as if effects added up."""
        score = self._left.scorer.score
        vectors = score.item_matrix[self._items]
        now, without = logits(whole.hidden[None], vectors), logits(self._left.hidden, vectors)
        return np.float32(score.weights.network) * (without[self.first] + without[self.second] - now)

    def _table(self) -> np.ndarray:
        """(P, I): the table's part without each pair."""
        score = self._left.scorer.score
        newest = self._newest
        columns, follows = Columns(len(score.bias), self._items), np.zeros((len(newest), len(self._items)), np.float32)
        for row, item in zip(follows, newest.tolist(), strict=True):
            followers, values = score.next_item.row(item)
            placed, asked = columns.place(followers)
            row[placed] = values[asked]
        is_read = self._left_over & (self._read < score.weights.table_reads)
        faded = np.where(is_read, np.float32(score.weights.table_fade) ** self._read, 0)
        return np.float32(score.weights.table) * np.log(np.float32(score.weights.table_eps) + faded @ follows)

    def _tokens_left(self) -> tuple[np.ndarray, np.ndarray]:
        """(P, T): which of the newest tokens are left without each pair, and how many newer ones then are."""
        units, newest = np.array(self._left.units), self._newest
        left = (newest != units[self.first][:, None]) & (newest != units[self.second][:, None])
        return left, np.cumsum(left, axis=1) - 1

    def _last_place(self, limit: int) -> np.ndarray:
        """(P): about the score that keeps a place in the list without each pair."""
        best = min(limit, self._left.without.shape[1] - 1)
        without = -np.partition(-self._left.without, best, axis=1)[:, best]
        return without[self.first] + without[self.second] - self._left.scores[best]
