"""Which two products of the history a recommendation rests on when either is enough: it stays without the one, it
stays without the other, and it leaves the list without both.

Leaving is proven in the pool, as in reasons.py. Staying is proven in the whole catalog: a pool shows only part of what
might come before an item.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .reasons import LEAST_SHARE, Cause, LeaveOneOut, Removals

# The strongest units of an item, of which pairs are made.
STRONGEST = 8
# Pairs tried for one item, and for all items of a list.
PAIRS_OF_AN_ITEM = 6
PAIRS_OF_A_LIST = 12

Pair = tuple[int, int]


@dataclass(frozen=True, eq=False)
class EitherCause:
    """Without both anchors the item is out; it stays among the first `limit` without either of them alone."""

    cause: Cause
    ranks_without_each: tuple[int, int]  # at most


class EitherEnough:
    """Finds pairs of units of which either keeps an item in the list.

    `rivals`, bool (n+1), holds at least whatever the list may show once one unit is removed; only units in `nameable`
    are paired.
    """

    def __init__(self, left: LeaveOneOut, rivals: np.ndarray, nameable: Collection[int]) -> None:
        self.left, self._rivals = left, rivals
        self._is_nameable = np.array([unit in nameable for unit in left.units], bool)
        self._row = {unit: row for row, unit in enumerate(left.units)}
        self._in_catalog: dict[int, np.ndarray] = {}

    def causes(self, places: Mapping[int, int], limit: int) -> dict[int, list[EitherCause]]:
        """For items at their places (item -> place): the pairs that hold, the most promising first; few are tried."""
        candidates = {item: self._candidates(item, limit) for item in places}
        both = self._removals_of(candidates)
        row_of = {pair: row for row, pair in enumerate(both.removed)}
        gone = {
            item: [
                cause
                for pair in pairs
                if pair in row_of and (cause := self._gone(both, row_of[pair], item, places[item], limit)) is not None
            ]
            for item, pairs in candidates.items()
        }
        self._score_catalog({unit for causes in gone.values() for cause in causes for unit in cause.anchors})
        found = {item: [self._staying(cause) for cause in causes] for item, causes in gone.items()}
        return {item: [cause for cause in causes if cause is not None] for item, causes in found.items()}

    def rests_on_one(self, item: int, limit: int) -> bool:
        """Whether a single unit explains the item, wherever in the list it is shown: then no pair is minimal."""
        return bool(self.left.causes(item, 1, limit))

    def rank_without(self, unit: int, item: int) -> int:
        """The place of the item in the list without the unit, at most: whatever comes within eps counts as before."""
        self._score_catalog({unit})
        scores = self._in_catalog[unit]
        before = self._rivals & (scores >= scores[item] - self.left.scorer.eps)
        before[item] = False
        if unit < len(before):  # a search is no rival
            before[unit] = False
        return int(np.count_nonzero(before)) + 1

    def may_name(self, unit: int, item: int) -> bool:
        """Whether the unit may be named, and does not speak against the item."""
        row = self._row.get(unit)
        return (
            row is not None and bool(self._is_nameable[row]) and bool(self._effect(item)[row] > -self.left.scorer.eps)
        )

    def _effect(self, item: int) -> np.ndarray:
        return self.left.effect[:, self.left.column[item]]

    def _candidates(self, item: int, limit: int) -> list[Pair]:
        """Pairs of the strongest units; first those that push the item furthest down if their effects simply add up."""
        if self.rests_on_one(item, limit):
            return []
        left, column = self.left, self.left.column[item]
        effects = self._effect(item)
        strongest = [int(row) for row in np.argsort(-effects, kind="stable")[:STRONGEST]]
        staying = [
            row
            for row in strongest
            if left.units[row] != item and self.may_name(left.units[row], item) and self._may_stay(row, column, limit)
        ]
        pairs = list(combinations(staying, 2))
        if not pairs:
            return []
        first, second = np.array(pairs).T
        added = left.without[first] + left.without[second] - left.scores
        places = (added > added[:, [column]]).sum(axis=1)
        best = np.argsort(-places, kind="stable")[:PAIRS_OF_AN_ITEM]
        return [tuple(sorted(left.units[row] for row in pairs[k])) for k in best]

    def _may_stay(self, row: int, column: int, limit: int) -> bool:
        """Whether it stays in the pool: if not, it can't in the catalog."""
        scores = self.left.without[row]
        return np.count_nonzero(scores >= scores[column] - self.left.scorer.eps) <= limit

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

    def _staying(self, cause: Cause) -> EitherCause | None:
        first, second = cause.anchors
        ranks = self.rank_without(first, cause.item), self.rank_without(second, cause.item)
        return EitherCause(cause, ranks) if max(ranks) <= cause.limit else None

    def _score_catalog(self, units: Collection[int]) -> None:
        """Keep f (n+1) of the history without each unit, computed at once."""
        new = sorted(set(units) - self._in_catalog.keys())
        if new:
            shorter = [self.left.history.without(unit) for unit in new]
            self._in_catalog |= dict(zip(new, self.left.scorer.scores(shorter), strict=True))
