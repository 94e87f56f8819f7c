"""Which product of the history a recommendation rests on: the ranking, computed again without each of them.

Everything here is about f (ranking.py) over one pool of eligible items. A rank in a pool is at most the rank in the
whole catalog, so "outside the first K of the pool" proves the same of the catalog: errors only lose claims.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from .ranking import Columns, Parts, repeat_strength
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
    """Without `anchor`, at least `limit` eligible items beat `item` by more than eps."""

    item: int
    anchor: int
    limit: int
    rank_before: int  # 1 = first
    rank_after: int  # at least; the pool may lack items that beat it too
    margin: float  # by how much the limit-th best of the others beats it
    share: float  # of the strongest unit's effect on this item, 0..1
    witnesses: tuple[int, ...]  # the items that beat it, best first


class LeaveOneOut:
    """f of one pool, with the whole history and without each of its units.

    `pool` holds distinct item numbers, best first by `scores` (C). Items in `barred` may become ineligible when the
    history is shorter, so they are nobody's witness. Units whose removal can't be computed exactly are left out.
    """

    def __init__(
        self,
        scorer: Scorer,
        history: History,
        pool: np.ndarray,
        scores: np.ndarray,
        barred: Collection[int] = (),
    ) -> None:
        self.pool, self.scores, self.eps = pool, scores, scorer.eps
        removable = [unit for unit in history.units() if history.can_remove(unit)]
        shorter = [(unit, history.without(unit)) for unit in removable]
        self.units = [unit for unit, rest in shorter if len(rest)]
        self._without = _scores_without(scorer, history, [rest for _, rest in shorter if len(rest)], pool)
        self._column = {int(item): column for column, item in enumerate(pool)}
        self._witness = ~np.isin(pool, list(barred))
        self._effect = self._effects()

    def causes(self, item: int, rank_before: int, limit: int) -> list[Cause]:
        """The units without which `item`, now at `rank_before`, leaves the first `limit`; strongest effect first."""
        column = self._column[item]
        effects = self._effect[:, column]
        strongest = effects.max(initial=0.0)
        if strongest <= 0:
            return []
        found = []
        for row in np.argsort(-effects, kind="stable"):
            share = float(effects[row] / strongest)
            if share < LEAST_SHARE:
                break
            cause = self._cause(int(row), column, rank_before, limit, share)
            if cause is not None:
                found.append(cause)
        return found

    def _cause(self, row: int, column: int, rank_before: int, limit: int, share: float) -> Cause | None:
        unit, scores = self.units[row], self._without[row]
        if self.pool[column] == unit:
            return None
        ahead = self._column.get(unit)
        if ahead is not None and self.scores[ahead] > self.scores[column]:
            rank_before -= 1  # the unit itself is in neither ranking
        others = self._witness & (self.pool != unit)
        beating = np.flatnonzero(others & (scores > scores[column] + self.eps))
        needed = witnesses_needed(rank_before, limit)
        if len(beating) < needed:
            return None
        best = beating[np.argsort(-scores[beating], kind="stable")]
        return Cause(
            item=int(self.pool[column]),
            anchor=unit,
            limit=limit,
            rank_before=rank_before,
            rank_after=len(beating) + 1,
            margin=float(scores[best[limit - 1]] - scores[column]),
            share=share,
            witnesses=tuple(self.pool[best[: needed + SPARE_WITNESSES]].tolist()),
        )

    def _effects(self) -> np.ndarray:
        """a_X(i) (m, C): how much the log-probability of each item within the pool falls without each unit."""
        before = np.repeat(_logsumexp(self.scores[None]), len(self.units))
        rest = self._without.copy()
        for row, unit in enumerate(self.units):
            column = self._column.get(unit)
            if column is not None:  # the unit itself is in neither ranking
                rest[row, column] = -np.inf
                before[row] = _logsumexp(np.delete(self.scores, column)[None])[0]
        return (self.scores - before[:, None]) - (self._without - _logsumexp(rest)[:, None])


def witnesses_needed(rank_before: int, limit: int) -> int:
    """How many items must beat it: enough to push it out of the list, and far enough from where it was."""
    return max(limit, rank_before - 1 + least_drop(limit))


def _scores_without(scorer: Scorer, history: History, shorter: Sequence[History], pool: np.ndarray) -> np.ndarray:
    """f (m, C) of the pool for each shorter history; what the network reads unchanged is not computed again."""
    if not shorter:
        return np.zeros((0, len(pool)), np.float32)
    read = [_read(rest) for rest in shorter]
    first = {key: k for k, key in reversed(list(enumerate(read)))}
    distinct = sorted(first.values())
    place = {read[k]: row for row, k in enumerate(distinct)}
    rows = [place[key] for key in read]
    some = [shorter[k] for k in distinct]
    parts = scorer.score.parts(scorer.encode(some), some, pool)
    repeats = np.zeros((len(shorter), len(pool)), np.float32)
    if np.isin(pool, history.items).any():
        columns = Columns(len(scorer.score.bias), pool)
        repeats = repeat_strength(shorter, columns, scorer.score.weights.repeat_decay)
    return scorer.score.mixed(Parts(parts.network[rows], parts.table[rows], repeats), pool)


def _read(history: History) -> tuple[bytes, bytes]:
    items, kinds = tokens(history)
    return items.tobytes(), kinds.tobytes()


def _logsumexp(scores: np.ndarray) -> np.ndarray:
    """Of each row of (m, C)."""
    top = scores.max(axis=1, initial=-np.inf)
    return top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
