"""Which product of the history a recommendation rests on: the ranking, computed again without each of them.

Pairs of which either is enough stand in pairs.py.

Everything here is about f (ranking.py) over one pool of eligible items. A rank in a pool is at most the rank in the
whole catalog, so "outside the first K of the pool" proves the same of the catalog: errors only lose claims.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from .ranking import top_k
from .scorer import Scorer
from .sequences import History, tokens

# A cause must explain at least this share of what the strongest unit explains.
LEAST_SHARE = 0.5
# Witnesses kept beyond those a claim needs, since some may turn out not to be for sale.
SPARE_WITNESSES = 5


def least_drop(limit: int) -> int:
    """Places that a recommendation must fall for a "because": leaving a list from its last place says little."""
    return max(3, ceil(limit / 4))


@dataclass(frozen=True, eq=False)
class Cause:
    """Without `anchors` (all of them), at least `limit` eligible items beat `item` by more than eps."""

    item: int
    anchors: tuple[int, ...]
    limit: int
    rank_before: int  # 1 = first
    rank_after: int  # at least; the pool may lack items that beat it too
    share: float  # of the strongest effect on this item, 0..1
    witnesses: tuple[int, ...]  # the items that beat it, best first
    margins: tuple[float, ...]  # by how much each does


class Removals:
    """f of one pool, with the whole history and without each of some sets of units.

    `pool` holds distinct item numbers, best first by `scores` (C). Items in `barred` may become ineligible when the
    history is shorter, so they are nobody's witness. Sets whose removal can't be computed exactly are left out.
    """

    def __init__(
        self,
        scorer: Scorer,
        history: History,
        pool: np.ndarray,
        scores: np.ndarray,
        asked: Iterable[tuple[int, ...]],
        barred: Collection[int] = (),
    ) -> None:
        self.scorer, self.history, self.pool, self.scores, self.barred = scorer, history, pool, scores, barred
        shorter = [(units, history.without(*units)) for units in asked if history.can_remove(*units)]
        self.removed = [units for units, rest in shorter if len(rest)]
        self.rest = [rest for _, rest in shorter if len(rest)]
        self.hidden, self.without = _read_without(scorer, self.rest, pool)  # (R, d), (R, C)
        self.column = dict(zip(pool.tolist(), range(len(pool)), strict=True))
        self._witness = ~np.isin(pool, list(barred))
        self.effect = self._effects()  # (R, C)

    def cause(self, row: int, item: int, rank_before: int, limit: int, share: float) -> Cause | None:
        """What a removal proves of `item`, now at `rank_before`; None when it need not leave the first `limit`."""
        column, units, scores = self.column[item], self.removed[row], self.without[row]
        if item in units:
            return None
        ahead = [self.column[unit] for unit in units if unit in self.column]
        rank_before -= sum(self.scores[place] > self.scores[column] for place in ahead)  # they are in neither ranking
        others = self._witness.copy()
        others[ahead] = False
        beating = np.flatnonzero(others & (scores > scores[column] + self.scorer.eps))
        if len(beating) < witnesses_needed(int(rank_before), limit):
            return None
        # As many wherever it stands: a list and the panel of its card look at different places when some are sold out.
        best = beating[top_k(scores[beating], witnesses_needed(limit, limit) + SPARE_WITNESSES)]
        return Cause(
            item=item,
            anchors=units,
            limit=limit,
            rank_before=int(rank_before),
            rank_after=len(beating) + 1,
            share=share,
            witnesses=tuple(self.pool[best].tolist()),
            margins=tuple((scores[best] - scores[column]).tolist()),
        )

    def _effects(self) -> np.ndarray:
        """a(i) (R, C): how much the log-probability of each item within the pool falls without each set."""
        before = np.repeat(_logsumexp(self.scores[None]), len(self.removed))
        rest = self.without.copy()
        for row, units in enumerate(self.removed):
            columns = [self.column[unit] for unit in units if unit in self.column]
            if columns:  # what is removed is in neither ranking
                rest[row, columns] = -np.inf
                before[row] = _logsumexp(np.delete(self.scores, columns)[None])[0]
        return (self.scores - before[:, None]) - (self.without - _logsumexp(rest)[:, None])


class LeaveOneOut(Removals):
    """f of one pool, with the whole history and without each of its units."""

    def __init__(
        self,
        scorer: Scorer,
        history: History,
        pool: np.ndarray,
        scores: np.ndarray,
        barred: Collection[int] = (),
    ) -> None:
        super().__init__(scorer, history, pool, scores, [(unit,) for unit in history.units()], barred)
        self.units = [unit for (unit,) in self.removed]

    def causes(self, item: int, rank_before: int, limit: int) -> list[Cause]:
        """The units without which `item`, now at `rank_before`, leaves the first `limit`; strongest effect first."""
        effects = self.effect[:, self.column[item]]
        strongest = effects.max(initial=0.0)
        if strongest <= 0:
            return []
        found = []
        for row in np.argsort(-effects, kind="stable"):
            share = float(effects[row] / strongest)
            if share < LEAST_SHARE:
                break
            cause = self.cause(int(row), item, rank_before, limit, share)
            if cause is not None:
                found.append(cause)
        return found


def witnesses_needed(rank_before: int, limit: int) -> int:
    """How many items must beat it: enough to push it out of the list, and far enough from where it was."""
    return max(limit, rank_before - 1 + least_drop(limit))


def _read_without(scorer: Scorer, shorter: Sequence[History], pool: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each shorter history how the network reads it (m, d), and f (m, C) of the pool.

    What the network reads alike is read once.
    """
    if not shorter:
        width = scorer.score.item_matrix.shape[1]
        return np.zeros((0, width), np.float32), np.zeros((0, len(pool)), np.float32)
    read = [_read(rest) for rest in shorter]
    distinct = dict(zip(read, shorter, strict=True))
    row = {key: row for row, key in enumerate(distinct)}
    hidden = scorer.encode(list(distinct.values()))[[row[key] for key in read]]
    return hidden, scorer.score.score(hidden, shorter, pool)


def _read(history: History) -> tuple[bytes, bytes]:
    items, kinds = tokens(history)
    return items.tobytes(), kinds.tobytes()


def _logsumexp(scores: np.ndarray) -> np.ndarray:
    """Of each row of (m, C)."""
    top = scores.max(axis=1, initial=-np.inf)
    return top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
