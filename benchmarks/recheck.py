"""Claims on the reference path: torch, one history at a time, the whole catalog, no eps; written a second time."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from benchmarks.claims import Claim
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer

SHARE_ROOM = 1e-3
LITTLE_AGAINST = 0.05
POOL = 1_000


class Recheck:
    """Recounts what claims say of the first `limit` of everything outside the history.

    `popularity` (n+1) ranks for those who did nothing.
    """

    def __init__(self, reference: ReferenceScorer, popularity: np.ndarray, limit: int) -> None:
        self.reference, self.popularity, self.limit = reference, popularity, limit

    def faults(self, history: History, claims: Sequence[Claim]) -> list[list[str]]:
        """What is not true of each claim; empty lists when all of it is."""
        return _Shopper(self, history).faults(claims) if claims else []

    def scores(self, history: History, met: list[int]) -> np.ndarray:
        scores = self.reference.scores(history) if len(history) else self.popularity.astype(np.float64)
        scores[[0, *met]] = -np.inf
        return scores


class _Shopper:
    """One history, scored once without each set that claims speak of."""

    def __init__(self, recheck: Recheck, history: History) -> None:
        self._recheck, self._history, self._limit = recheck, history, recheck.limit
        self._units = history.units()
        self._whole = recheck.scores(history, self._units)
        best = np.argpartition(-self._whole, min(POOL, len(self._whole) - 1))[:POOL]
        self._pool = best[self._whole[best] > -np.inf]
        self._total = self._sum(self._whole)
        self._without: dict[tuple[int, ...], tuple[np.ndarray, float]] = {}

    def faults(self, claims: Sequence[Claim]) -> list[list[str]]:
        return [self._places(claim) + self._minimal(claim) + self._share(claim) for claim in claims]

    def _places(self, claim: Claim) -> list[str]:
        """It is shown, is out without all anchors, and falls far enough."""
        before, after = _place(self._whole, claim.item), self._place_without(claim.anchors, claim.item)
        found = []
        if before > self._limit:
            found.append(f"shown at {before} of {self._limit}")
        if after <= self._limit:
            found.append(f"still at {after} of {self._limit}")
        if after - before < max(3, ceil(self._limit / 4)):
            found.append(f"falls from {before} to {after} only")
        return found

    def _minimal(self, claim: Claim) -> list[str]:
        """Where two are named, it stays without either alone, and neither speaks against it."""
        found = []
        for anchor in claim.anchors if len(claim.anchors) > 1 else ():
            place, effect = self._place_without((anchor,), claim.item), self._effect((anchor,), claim.item)
            if place > self._limit:
                found.append(f"at {place} without {anchor} alone")
            if effect < -LITTLE_AGAINST - SHARE_ROOM:
                found.append(f"{anchor} speaks against it: {effect:.4f}")
        return found

    def _share(self, claim: Claim) -> list[str]:
        """The anchors explain at least half of what the strongest does; where they are all there is, everything."""
        if len(claim.anchors) == len(self._units):
            return []
        strongest = max(self._effect((unit,), claim.item) for unit in self._units)
        share = self._effect(claim.anchors, claim.item) / strongest if strongest > 0 else 1.0
        joint = self._effect(claim.anchors, claim.item)
        if joint <= 0 or share < 0.5 - SHARE_ROOM:
            return [f"explains {joint:.4f}, the strongest {strongest:.4f}"]
        return []

    def _effect(self, units: tuple[int, ...], item: int) -> float:
        scores, total = self._scored(units)
        return float((self._whole[item] - self._total) - (scores[item] - total))

    def _place_without(self, units: tuple[int, ...], item: int) -> int:
        return _place(self._scored(units)[0], item)

    def _scored(self, units: tuple[int, ...]) -> tuple[np.ndarray, float]:
        if units not in self._without:
            scores = self._recheck.scores(self._history.without(*units), self._units)
            self._without[units] = scores, self._sum(scores)
        return self._without[units]

    def _sum(self, scores: np.ndarray) -> float:
        pooled = scores[self._pool].astype(np.float64)
        return float(pooled.max() + np.log(np.exp(pooled - pooled.max()).sum()))


def _place(scores: np.ndarray, item: int) -> int:
    return int((scores > scores[item]).sum()) + 1
