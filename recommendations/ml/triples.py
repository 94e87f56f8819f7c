"""Which three products of the history a recommendation rests on when any one of them is enough: it leaves the list
without all three, and stays without any one and any two. Looked for when somebody asks, since it takes longer.

Leaving is proven in the pool, as in reasons.py, staying in the whole catalog.
"""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from .pairs import EitherEnough
from .reasons import LEAST_SHARE, Cause, LeaveOneOut, Removals

# The units with the strongest effects, of which all threes are tried.
UNITS_TRIED = 8


@dataclass(frozen=True, eq=False)
class AnyCause:
    """Without all three anchors the item is out; it stays among the first `limit` with any one of them."""

    cause: Cause
    ranks_with_one: tuple[int, int, int]  # at most, with each anchor and without the two others


class AnyOfThree:
    """Finds three units of which any keeps an item in the list, where neither one nor two explain it."""

    def __init__(self, left: LeaveOneOut, either: EitherEnough, rivals: np.ndarray) -> None:
        self._left, self._either, self._rivals = left, either, rivals
        self._ranks: dict[tuple[int, frozenset[int]], int] = {}

    def cause(self, item: int, place: int, limit: int, kept: int) -> AnyCause | None:
        """The three that together count most for the item at `place`; None when no three hold.

        Without all it leaves the first `limit`, without fewer it stays among the first `kept`.
        """
        left, effect = self._left, self._left.effect[:, self._left.column[item]]
        by_strength = [left.units[row] for row in np.argsort(-effect, kind="stable")]
        tried = [unit for unit in by_strength if unit != item and self._either.may_name(unit, item)][:UNITS_TRIED]
        threes = combinations(sorted(tried), 3)
        all_gone = Removals(left.scorer, left.history, left.pool, left.scores, threes, left.barred)
        joint = all_gone.effect[:, left.column[item]]
        for row in np.argsort(-joint, kind="stable").tolist():
            strongest = max(float(joint[row]), float(effect.max(initial=0.0)))
            if joint[row] <= 0 or joint[row] < LEAST_SHARE * strongest:
                return None
            cause = all_gone.cause(row, item, place, limit, float(joint[row]) / strongest)
            if cause is not None and self._stays_with_any(cause, kept):
                first, second, third = cause.anchors
                others = ((second, third), (first, third), (first, second))
                return AnyCause(cause, tuple(self._rank_without(item, two) for two in others))
        return None

    def _stays_with_any(self, cause: Cause, kept: int) -> bool:
        smaller = (part for size in (2, 1) for part in combinations(cause.anchors, size))
        return all(self._rank_without(cause.item, part) <= kept for part in smaller)

    def _rank_without(self, item: int, units: Collection[int]) -> int:
        """The place of the item in the whole catalog without the units, at most: within eps counts as before it."""
        key = item, frozenset(units)
        if key not in self._ranks:
            scorer, rest = self._left.scorer, self._left.history.without(*units)
            scores, before = scorer.scores([rest])[0], self._rivals.copy()
            before[[item, *(unit for unit in units if unit < len(before))]] = False
            self._ranks[key] = int(np.count_nonzero(before & (scores >= scores[item] - scorer.eps))) + 1
        return self._ranks[key]
