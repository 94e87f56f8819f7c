"""How good ranked lists are. All metrics are for one shopper and between 0 and 1, higher is better.

`ranked` holds distinct items, best first, at most k; `targets` the distinct items that were right. Definitions as in
Herlocker, Konstan, Terveen, Riedl: Evaluating Collaborative Filtering Recommender Systems, ACM TOIS 22(1), 2004, and
Shani, Gunawardana: Evaluating Recommendation Systems, Recommender Systems Handbook, 2011, where no other is named.
What all lists together show is in exposure.py, whose lists they are in segments.py.
"""

from collections.abc import Collection, Iterable, Sequence
from math import log2

import numpy as np

# The lengths of list that are measured.
CUTS = (5, 10, 20)


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


def accuracy(ranked: Sequence[int], targets: Collection[int], k: int, n: int) -> float:
    """The share of n items that are shown and right, or neither.

    Near 1 for any list of a large catalog, even an empty one: told because people ask for it, and no judge of lists.
    """
    return 1 - (min(len(ranked), k) + len(targets) - 2 * _hits(ranked, targets, k)) / n


def mrr(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """1 over the place of the first right item, 0 when none is among the first k.

    Voorhees: The TREC-8 Question Answering Track Report, 1999.
    """
    return next((1 / place for place, item in enumerate(ranked[:k], start=1) if item in targets), 0.0)


def ndcg(ranked: Sequence[int], targets: Collection[int], k: int) -> float:
    """Each right item counts 1 / log2(place + 1), over what the best possible list would have.

    Järvelin, Kekäläinen: Cumulated gain-based evaluation of IR techniques, ACM TOIS 20(4), 2002, with gains of 0 and 1.
    """
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
    """What is kept with every version, averaged over shoppers, for lists of at least 20."""
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


def every_metric(lists: Sequence[Sequence[int]], targets: Sequence[Collection[int]], n: int) -> dict[str, np.ndarray]:
    """Each metric at each of CUTS, as "hr@5", to its value for each shopper (S)."""
    pairs = list(zip(lists, targets, strict=True))
    found = {
        f"{metric.__name__}@{k}": np.array([metric(ranked, right, k) for ranked, right in pairs])
        for metric in (hr, ndcg, recall, precision, f1, mrr)
        for k in CUTS
    }
    return found | {f"accuracy@{k}": np.array([accuracy(r, t, k, n) for r, t in pairs]) for k in CUTS}


def _hits(ranked: Sequence[int], targets: Collection[int], k: int) -> int:
    return sum(item in targets for item in ranked[:k])
