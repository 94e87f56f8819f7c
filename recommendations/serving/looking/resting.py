"""What one shown product rests on, the most important part of the history first."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ...ml.greedy import DEPTH, removal_orders
from ...ml.reasons import Removals
from ..candidates import Pool
from ..inspection import Inspection, Unit


@dataclass(frozen=True)
class Step:
    """A unit taken away after those before it: how far the product has fallen by then."""

    unit: Unit
    effect: float  # of its log-probability in the pool
    place: int  # in the pool


def rests_on(inspection: Inspection, product_id: str) -> tuple[Step, ...]:
    """By greedy removal, as long as the product falls; none when the recommender did not rank it into the list.

    It costs one ranking a unit of the history and step.
    """
    shown = [entry for entry, _ in inspection.ranked if entry.card.product_id == product_id]
    if not shown:
        return ()
    lists = _PoolWithout(inspection.pool, inspection.pool.loaded.scorer.vocabulary.number(product_id))
    order = removal_orders(lists)[0][:DEPTH] if lists.units else []
    steps: list[Step] = []
    for count, unit in enumerate(order, start=1):
        found = lists.fallen(frozenset(order[:count]))
        if found is None or found[0] <= (steps[-1].effect if steps else 0.0):
            break
        steps.append(Step(inspection.units[unit], *found))
    return tuple(steps)


class _PoolWithout:
    """One item of a pool, ranked without any set of units; what can't be computed exactly is chosen last."""

    def __init__(self, pool: Pool, item: int) -> None:
        self.units, self.shown = [unit for unit in pool.history.units() if unit != item], [item]  # never on itself
        self._pool = pool
        self._known: dict[frozenset[int], tuple[float, int] | None] = {}

    def ask(self, removed: Iterable[frozenset[int]]) -> None:
        """Rank without each of these sets, all in one call; sets that are known cost nothing."""
        new = {units: None for units in removed if units not in self._known}
        self._known |= new
        pool = self._pool
        asked = [tuple(sorted(units)) for units in new]
        found = Removals(pool.loaded.scorer, pool.history, pool.items, pool.scores, asked, pool.barred)
        column = found.column[self.shown[0]]
        for row, units in enumerate(found.removed):
            rivals = found.without[row][~np.isin(pool.items, units)]
            place = int(np.count_nonzero(rivals > found.without[row, column])) + 1
            self._known[frozenset(units)] = float(found.effect[row, column]), place

    def log_shares(self, removed: frozenset[int]) -> np.ndarray:
        """log p less what it is with the whole history; +inf where it can't be computed exactly."""
        found = self.fallen(removed)
        return np.array([np.inf if found is None else -found[0]])

    def fallen(self, removed: frozenset[int]) -> tuple[float, int] | None:
        """By how much log p falls, and to which place."""
        if removed not in self._known:
            self.ask([removed])
        return self._known[removed]
