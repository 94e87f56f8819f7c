"""The worst place an item can have in the whole catalog once one unit of the history is gone: proof that it stays.

A pool shows only part of what might come before an item. What lies outside it is bounded, so that few items are scored:

    f(j; H') <= f(j; H) + |network| * |h(H') - h(H)| * |e_j|

(Cauchy-Schwarz) for every j that follows none of the newest products of H' and is none of H: its table term is the
smallest there is, and it has no repeat term.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .ranking import Score, newest_products
from .reasons import LeaveOneOut
from .scorer import Scorer
from .sequences import History

# Share of the catalog up to which it pays to pick the vectors to score: beyond, reading all in their order takes less.
MOST_PICKED = 0.2


@dataclass(frozen=True, eq=False)
class Reading:
    """How the network reads a history, and what the score makes of the whole catalog."""

    hidden: np.ndarray  # float32 (d)
    scores: np.ndarray  # float32 (n+1): f, of what may not be shown too

    @classmethod
    def of(cls, scorer: Scorer, history: History) -> "Reading":
        """ValueError for an empty history."""
        hidden = scorer.encode([history])
        return cls(hidden[0], scorer.score.score(hidden, [history])[0])


class Staying:
    """Places in the whole catalog without single units.

    `whole` reads the whole history; `rivals`, bool (n+1), holds whatever may come before an item.
    """

    def __init__(self, left: LeaveOneOut, whole: Reading, rivals: np.ndarray) -> None:
        self._left, self._whole, self._rivals = left, whole, rivals
        self._outside = rivals.copy()
        self._outside[left.pool] = False
        self._in_pool = rivals[left.pool]
        self._row = {unit: row for row, unit in enumerate(left.units)}

    def ranks(self, asked: Mapping[int, Sequence[int]]) -> dict[tuple[int, int], int]:
        """For units and items of the pool (unit -> items): the place of the item without the unit, at most.

        Whatever scores within eps of it counts as before it.
        """
        return {
            (unit, item): rank
            for unit, items in asked.items()
            for item, rank in zip(items, self._ranks(self._row[unit], unit, items), strict=True)
        }

    def _ranks(self, row: int, unit: int, items: Sequence[int]) -> list[int]:
        left, eps = self._left, self._left.scorer.eps
        inside = left.without[row]
        own = inside[[left.column[item] for item in items]]
        outside = self._scored_outside(row, unit, float(own.min()) - eps)
        before = self._in_pool & (left.pool != unit)
        return [
            int(np.count_nonzero(before & (inside >= score - eps) & (left.pool != item)))
            + int(np.count_nonzero(outside >= score - eps))
            + 1
            for item, score in zip(items, own, strict=True)
        ]

    def _scored_outside(self, row: int, unit: int, least: float) -> np.ndarray:
        """f of all rivals outside the pool that may reach `least` without the unit."""
        score, rest = self._left.scorer.score, self._left.rest[row]
        reach = abs(score.weights.network) * float(np.linalg.norm(self._left.hidden[row] - self._whole.hidden))
        # The bound is taken in float32: its own rounding is far below eps.
        highest = self._whole.scores + np.float32(reach) * score.norms
        may_reach = highest >= least - self._left.scorer.eps
        may_reach[_unbounded(score, rest)] = True
        may_reach &= self._outside
        if unit < len(may_reach):  # a search is no rival
            may_reach[unit] = False
        some, hidden = np.flatnonzero(may_reach).astype(np.int32), self._left.hidden[row : row + 1]
        if len(some) == 0:
            return np.zeros(0, np.float32)
        if len(some) > MOST_PICKED * len(may_reach):
            return score.score(hidden, [rest])[0][some]
        return score.score(hidden, [rest], some)[0]


def _unbounded(score: Score, rest: History) -> np.ndarray:
    """Items whose table or repeat term may rise."""
    if score.weights.table < 0:
        return np.arange(len(score.bias))
    followers = [score.next_item.row(item)[0] for item in newest_products(rest, score.weights.table_reads)]
    return np.concatenate([rest.items[~rest.queries.among(rest.items)], *followers])
