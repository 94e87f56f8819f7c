"""One shopper's list ranked again without any set of units: each set once, over the whole catalog."""

from collections.abc import Iterable
from functools import cached_property
from itertools import combinations

import numpy as np

from .fidelity import EXACT_UNITS, Standing, Without
from .ranking import top_k
from .scorer import Scorer
from .sequences import History
from .staying import Reading

POOL = 1_000
# Histories in one call of the network.
BLOCK = 128

Units = frozenset[int]


class ListsWithout:
    """The first `limit` products for a history, as in the placement new_for_you, and what becomes of them.

    Ranks are places in the whole catalog outside the history (of `eligible`, bool (n+1), where it is given), shares are
    within the 1,000 best of the whole history. An empty history is ranked by `popularity` (n+1): what a stranger sees.
    """

    def __init__(
        self,
        scorer: Scorer,
        history: History,
        popularity: np.ndarray,
        limit: int,
        eligible: np.ndarray | None = None,
    ) -> None:
        self.scorer, self.history, self.limit = scorer, history, limit
        self.units = history.units()
        self._popularity = np.log(popularity + 1).astype(np.float32)
        self._barred = np.zeros(len(popularity), bool) if eligible is None else ~eligible
        self._barred[[0, *(unit for unit in self.units if not history.queries.holds(unit))]] = True
        scores = self._scores([history])[0]
        self.pool = top_k(scores, POOL).astype(np.int32)
        self.pool_scores = scores[self.pool]
        self.shown = self.pool[:limit].tolist()
        self._known: dict[Units, tuple[np.ndarray, np.ndarray]] = {}
        self.ask([frozenset()])

    @cached_property
    def whole(self) -> Reading:
        """The whole history, over the whole catalog; ValueError for an empty one."""
        return Reading.of(self.scorer, self.history)

    def ask(self, removed: Iterable[Units]) -> None:
        """Rank without each of these sets now, many in one call; sets that are known cost nothing."""
        new = [units for units in dict.fromkeys(removed) if units not in self._known]
        for start in range(0, len(new), BLOCK):
            block = new[start : start + BLOCK]
            scores = self._scores([self.without(units) for units in block])
            self._known.update(zip(block, map(self._stand, scores), strict=True))

    def of(self, place: int) -> Without:
        """What becomes of the product shown at `place`, 0 = first."""

        def without(removed: Units) -> Standing:
            if removed not in self._known:
                self.ask([removed])
            ranks, shares = self._known[removed]
            return Standing(int(ranks[place]), float(shares[place]))

        return without

    def log_shares(self, removed: Units) -> np.ndarray:
        """log p of each shown product without these units."""
        self.ask([removed])
        return self._known[removed][1]

    def effects(self) -> np.ndarray:
        """(m, I): how much log p of each shown product falls without each unit; what reasons are chosen by."""
        self.ask(frozenset({unit}) for unit in self.units)
        whole = self.log_shares(frozenset())
        return np.stack([whole - self.log_shares(frozenset({unit})) for unit in self.units])

    def without(self, units: Units) -> History:
        """The history without these units."""
        return self.history.without(*units)

    def _scores(self, histories: list[History]) -> np.ndarray:
        """f (B, n+1); what the shopper has met is not eligible."""
        scores = np.tile(self._popularity, (len(histories), 1))
        read = [row for row, history in enumerate(histories) if len(history)]
        if read:
            scores[read] = self.scorer.scores([histories[row] for row in read])
        scores[:, self._barred] = -np.inf
        return scores

    def _stand(self, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        shown = scores[self.shown]
        ranks = 1 + (scores[None, :] > shown[:, None]).sum(axis=1)
        pooled = scores[self.pool]
        top = pooled.max(initial=-np.inf)
        return ranks, shown - (top + np.log(np.exp(pooled - top).sum()))


def all_subsets(units: list[int]) -> list[Units]:
    """Every set of units that leaves one, for few units; single ones only for many."""
    most = len(units) - 1 if len(units) <= EXACT_UNITS else 1
    return [frozenset(some) for size in range(most + 1) for some in combinations(units, size)]
