"""What one history says of the whole catalog: exactly, or as a bound that is cheap and enough to find the best."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from .ranking import Score, newest_products, top_k
from .rough_logits import Rough
from .scorer import Scorer
from .sequences import History

# With fewer items all are scored: that takes no longer than telling which need not be.
FEWEST_FOR_ROUGH = 20_000
# One item in so many is looked at first.
ONE_IN = 16


@dataclass(frozen=True, eq=False)
class Reading:
    """How the network reads a history, and what follows of it for every item."""

    scorer: Scorer
    history: History
    hidden: np.ndarray  # float32 (d)

    @classmethod
    def of(cls, scorer: Scorer, history: History) -> "Reading":
        """ValueError for an empty history."""
        return cls(scorer, history, scorer.encode([history])[0])

    @cached_property
    def scores(self) -> np.ndarray:
        """f of every item, float32 (n+1), of what may not be shown too."""
        return self.scorer.score.score(self.hidden[None], [self.history])[0]

    @cached_property
    def rough(self) -> Rough:
        """f of every item but those that `unbounded` holds."""
        score, eps = self.scorer.score, np.float32(self.scorer.eps)  # the rounding of float32 is far below eps
        if len(score.bias) < FEWEST_FOR_ROUGH:
            return Rough(self.scores, np.zeros(len(self.scores), np.float32), np.float32(0), eps)
        rough = self.scorer.rough_logits.of(self.hidden * np.float32(score.weights.network))
        newcomers = score.item_matrix[len(rough.about) :]
        if len(newcomers):
            exact = newcomers @ (self.hidden * np.float32(score.weights.network))
            rough = replace(
                rough, about=np.concatenate((rough.about, exact)), lost=np.pad(rough.lost, (0, len(newcomers)))
            )
        rough.about[:] += score.plain
        return replace(rough, least_off=rough.least_off + eps)

    def best(self, eligible: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """The `count` best of the `eligible` items, bool (n+1), as int32, best first, and f of each."""
        possible = self._possible(eligible, count)
        scores = self.scorer.score.score(self.hidden[None], [self.history], possible)[0]
        order = top_k(scores, count)
        return possible[order], scores[order]

    def _possible(self, eligible: np.ndarray, count: int) -> np.ndarray:
        """Eligible items, int32 ascending, that hold the best."""
        if len(eligible) < FEWEST_FOR_ROUGH:
            return np.flatnonzero(eligible).astype(np.int32)
        rough, beyond = self.rough, unbounded(self.scorer.score, self.history)
        likely = np.flatnonzero(rough.about >= _reached(rough.about[::ONE_IN], count))
        bounded = eligible.copy()
        bounded[beyond] = False
        certain = likely[bounded[likely]]
        if len(certain) < count:
            return np.flatnonzero(eligible).astype(np.int32)
        least = np.partition(rough.about[certain] - rough.off(certain), len(certain) - count)[len(certain) - count]
        may_reach = np.flatnonzero(rough.about >= least - rough.most_off)
        may_reach = may_reach[rough.about[may_reach] + rough.off(may_reach) >= least]
        possible = np.zeros(len(eligible), bool)
        possible[may_reach] = possible[beyond] = True
        return np.flatnonzero(possible & eligible).astype(np.int32)


def unbounded(score: Score, history: History) -> np.ndarray:
    """Items of which f may have a table or a repeat term, so that only scoring them tells."""
    if score.weights.table < 0:
        return np.arange(len(score.bias))
    followers = [score.next_item.row(item)[0] for item in newest_products(history)]
    return np.concatenate([history.items[~history.queries.among(history.items)], *followers])


def _reached(sample: np.ndarray, count: int) -> float:
    """What twice as many of all as `count` reach, about; -inf where a sample tells nothing."""
    place = 2 * count // ONE_IN + ONE_IN
    return np.partition(sample, -place)[-place] if place < len(sample) else np.float32(-np.inf)
