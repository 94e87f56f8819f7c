"""How good ranked lists are. All metrics are for one shopper and between 0 and 1, higher is better.

`ranked` holds distinct items, best first, at most k; `targets` the distinct items that were right.
"""

from collections.abc import Collection, Iterable, Sequence
from math import log2

import numpy as np


def hr(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """Hit rate: 1 when any of the first k is right."""
    return float(_hits(ranked, targets, k) > 0)


def recall(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """The share of the right items that are among the first k."""
    return _hits(ranked, targets, k) / len(targets)


def precision(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """The share of k places that are right; a list shorter than k wastes places."""
    return _hits(ranked, targets, k) / k


def f1(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """The harmonic mean of precision and recall."""
    return 2 * _hits(ranked, targets, k) / (k + len(targets))


def mrr(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """1 over the place of the first right item, 0 when none is among the first k."""
    return next((1 / place for place, item in enumerate(ranked[:k], start=1) if item in targets), 0.0)


def ndcg(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """Each right item counts 1 / log2(place + 1), over what the best possible list would have."""
    gain = sum(1 / log2(place + 1) for place, item in enumerate(ranked[:k], start=1) if item in targets)
    return gain / sum(1 / log2(place + 1) for place in range(1, min(k, len(targets)) + 1))


def coverage(lists: Iterable[Sequence[int]], n: int, k: int) -> float:
    """The share of n items that are shown to anybody."""
    return len({item for ranked in lists for item in ranked[:k]}) / n


def rank_pessimistic(scores: np.ndarray, targets: Collection[int], k: int) -> np.ndarray:
    """The first k columns of `scores` (N), best first; of equal scores the wrong ones stand first.

    A method that cannot tell items apart gets no credit for the order they happen to be stored in.
    Columns at -inf are never listed.
    """
    possible = np.flatnonzero(scores > -np.inf)
    if len(possible) > k:
        values = scores[possible]
        possible = possible[values >= np.partition(values, len(values) - k)[len(values) - k]]
    right = np.isin(possible, list(targets))
    return possible[np.lexsort((right, -scores[possible]))[:k]]


def averages(lists: Sequence[Sequence[int]], targets: Sequence[Collection[int]], n: int) -> dict[str, float]:
    """Every metric we report, averaged over shoppers, for lists of at least 20."""
    pairs = list(zip(lists, targets, strict=True))
    chosen = {
        "hr@10": (hr, 10),
        "ndcg@10": (ndcg, 10),
        "recall@10": (recall, 10),
        "recall@20": (recall, 20),
        "precision@10": (precision, 10),
        "f1@10": (f1, 10),
        "mrr@10": (mrr, 10),
    }
    means = {name: float(np.mean([metric(r, t, k) for r, t in pairs])) for name, (metric, k) in chosen.items()}
    return means | {"coverage@10": coverage(lists, n, 10)}


def _hits(ranked: Sequence[int], targets: Collection[int], k: int) -> int:
    return sum(item in targets for item in ranked[:k])
