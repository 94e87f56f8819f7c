"""Claims on the reference path: torch, one history at a time, the whole catalog, no eps; written a second time."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from recommendations.ml.reasons import Cause
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer

SHARE_ROOM = 1e-3
POOL = 1_000


class Recheck:
    """Recounts what causes claim of the first `limit` of everything outside the history."""

    def __init__(self, reference: ReferenceScorer, limit: int) -> None:
        self.reference, self.limit = reference, limit

    def faults(self, history: History, claims: Sequence[Cause]) -> list[list[str]]:
        """What is not true of each claim; empty lists when all of it is."""
        if not claims:
            return []
        units = history.units()
        whole = self._scores(history, units)
        pool = np.argsort(-whole, kind="stable")[:POOL]
        pool = pool[whole[pool] > -np.inf]
        without = {unit: self._scores(history.without(unit), units) for unit in units}
        totals = {unit: np.logaddexp.reduce(scores[pool]) for unit, scores in without.items()}
        total, faults = np.logaddexp.reduce(whole[pool]), []
        for claim in claims:
            now = whole[claim.item] - total
            effects = {unit: now - (without[unit][claim.item] - totals[unit]) for unit in units}
            share = effects[claim.anchors[0]] / max(effects.values())
            faults.append(self._faults(claim, whole, without[claim.anchors[0]], share))
        return faults

    def _faults(self, claim: Cause, whole: np.ndarray, without: np.ndarray, share: float) -> list[str]:
        before, after = _place(whole, claim.item), _place(without, claim.item)
        faults = []
        if before > self.limit:
            faults.append(f"shown at {before} of {self.limit}")
        if after <= self.limit:
            faults.append(f"still at {after} of {self.limit}")
        if after - before < max(3, ceil(self.limit / 4)):
            faults.append(f"falls from {before} to {after} only")
        if share < 0.5 - SHARE_ROOM:
            faults.append(f"explains {share:.3f} of what the strongest does")
        return faults

    def _scores(self, history: History, met: list[int]) -> np.ndarray:
        scores = self.reference.scores(history).copy()
        scores[met] = -np.inf
        return scores


def _place(scores: np.ndarray, item: int) -> int:
    return int((scores > scores[item]).sum()) + 1
