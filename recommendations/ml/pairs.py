"""Which two products of the history a recommendation rests on when either is enough: it stays without the one, it
stays without the other, and it leaves the list without both.

Leaving is proven in the pool, as in reasons.py. Staying is proven in the whole catalog: a pool shows only part of what
might come before an item.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from .likely_pairs import LikelyPairs
from .reasons import LEAST_SHARE, Cause, LeaveOneOut, Removals
from .staying import Reading, Staying

# Pairs tried for one item, and for all items of a list.
PAIRS_OF_AN_ITEM = 6
PAIRS_OF_A_LIST = 12
# By how much the log-probability of an item may rise without a unit that is said to be enough: docs/decisions/0007.
LITTLE_AGAINST = 0.05

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class EitherCause:
    """Without both anchors the item is out; it stays among the first `limit` without either of them alone."""

    cause: Cause
    ranks_without_each: tuple[int, int]  # at most


class EitherEnough:
    """Finds pairs of units of which either keeps an item in the list.

    `whole` reads the whole history. `rivals`, bool (n+1), holds at least whatever the list may show once one unit is
    removed; only units in `nameable` are paired.
    """

    def __init__(self, left: LeaveOneOut, whole: Reading, rivals: np.ndarray, nameable: Collection[int]) -> None:
        self.left, self._whole = left, whole
        self._staying = Staying(left, whole, rivals)
        self._is_nameable = np.array([unit in nameable for unit in left.units], bool)
        self._row = {unit: row for row, unit in enumerate(left.units)}

    def causes(self, places: Mapping[int, int], limit: int) -> dict[int, list[EitherCause]]:
        """For items at their places (item -> place): the pairs that hold, the most promising first; few are tried."""
        candidates = self._candidates([item for item in places if not self.rests_on_one(item, limit)], limit)
        both = self._removals_of(candidates)
        row_of = {pair: row for row, pair in enumerate(both.removed)}
        gone = [
            cause
            for item, pairs in candidates.items()
            for pair in pairs
            if pair in row_of and (cause := self._gone(both, row_of[pair], item, places[item], limit)) is not None
        ]
        found: dict[int, list[EitherCause]] = {item: [] for item in places}
        for either in self._those_that_stay(gone):
            found[either.cause.item].append(either)
        return found

    def rests_on_one(self, item: int, limit: int) -> bool:
        """Whether a single unit explains the item, wherever in the list it is shown: then no pair is minimal."""
        return bool(self.left.causes(item, 1, limit))

    def rank_without(self, unit: int, item: int) -> int:
        """The place of the item in the list without the unit, at most: whatever comes within eps counts as before."""
        return self._staying.ranks({unit: [item]})[unit, item]

    def may_name(self, unit: int, item: int) -> bool:
        """Whether the unit may be named, and does not speak against the item."""
        row = self._row.get(unit)
        return row is not None and bool(self._may_name(item)[row])

    def _may_name(self, item: int) -> np.ndarray:
        """Of each unit, bool (m)."""
        return self._is_nameable & (self._effect(item) > -LITTLE_AGAINST)

    def _effect(self, item: int) -> np.ndarray:
        return self.left.effect[:, self.left.column[item]]

    def _candidates(self, items: Sequence[int], limit: int) -> dict[int, list[Pair]]:
        """The pairs to try for each item, the likeliest first."""
        if not items or len(self.left.units) < 2:
            return {}
        likely, units = LikelyPairs(self.left, self._whole, items, limit), np.array(self.left.units)
        found = {}
        for place, item in enumerate(items):
            rows = self._may_name(item) & self._may_stay(item, limit) & (units != item)
            found[item] = likely.best(place, rows, PAIRS_OF_AN_ITEM)
        return found

    def _may_stay(self, item: int, limit: int) -> np.ndarray:
        """Without which units, bool (m), it stays in the pool: if it does not, it can't in the catalog."""
        scores = self.left.without
        least = scores[:, [self.left.column[item]]] - self.left.scorer.eps
        return np.count_nonzero(scores >= least, axis=1) <= limit

    def _removals_of(self, candidates: Mapping[int, list[Pair]]) -> Removals:
        """The list without the pairs to try: every item's best first, then its second best, and so on."""
        in_turn = sorted((place, pair) for pairs in candidates.values() for place, pair in enumerate(pairs))
        distinct = list(dict.fromkeys(pair for _, pair in in_turn))[:PAIRS_OF_A_LIST]
        left = self.left
        return Removals(left.scorer, left.history, left.pool, left.scores, distinct, left.barred)

    def _gone(self, both: Removals, row: int, item: int, place: int, limit: int) -> Cause | None:
        """What removing both proves, if together they count for the item beside its strongest unit."""
        joint = float(both.effect[row, both.column[item]])
        strongest = max(joint, float(self._effect(item).max(initial=0.0)))
        if joint <= 0 or joint < LEAST_SHARE * strongest:
            return None
        return both.cause(row, item, place, limit, joint / strongest)

    def _those_that_stay(self, gone: Sequence[Cause]) -> Iterator[EitherCause]:
        asked: dict[int, set[int]] = defaultdict(set)
        for cause in gone:
            for unit in cause.anchors:
                asked[unit].add(cause.item)
        ranks = self._staying.ranks({unit: sorted(items) for unit, items in asked.items()})
        for cause in gone:
            first, second = (ranks[unit, cause.item] for unit in cause.anchors)
            if max(first, second) <= cause.limit:
                yield EitherCause(cause, (first, second))
