"""Whose lists, and which right answers: shoppers with a short past or a long one, products new, rare and popular."""

from collections.abc import Callable, Sequence

import numpy as np

from .splitting import HeldOut

# A shopper who met fewer distinct products is cold.
WARM = 5
# Head: the most popular fifth of the products, as in Pareto's rule; Park, Tuzhilin: The Long Tail of Recommender
# Systems and How to Leverage It, RecSys 2008, compare such a head with the tail.
HEAD_SHARE = 0.2

Metric = Callable[[Sequence[int], set[int], int], float]


def shopper_segments(asked: HeldOut) -> dict[str, np.ndarray]:
    """Which shoppers (S, bool) are "cold" (fewer than WARM distinct products met) and which "warm"."""
    met = np.array([len(items) for items in asked.met])
    return {"cold": met < WARM, "warm": met >= WARM}


def product_segments(popularity: np.ndarray) -> dict[str, np.ndarray]:
    """Which items (n+1, bool) are "new" (no event in what was fitted), "head" (see HEAD_SHARE) and "tail" (the rest).

    Of items as popular as the head's last, all are in the head.
    """
    counts = popularity[1:]
    place = int(np.ceil(HEAD_SHARE * len(counts)))
    least = max(np.sort(counts)[-place], 1) if place else np.inf
    head, new = popularity >= least, popularity == 0
    new[0] = head[0] = False
    tail = ~head & ~new
    tail[0] = False
    return {"new": new, "tail": tail, "head": head}


def of_shoppers(values: np.ndarray, asked: HeldOut) -> dict[str, tuple[int, float]]:
    """Segment -> (shoppers, mean of their `values` (S)); segments without shoppers are absent."""
    segments = shopper_segments(asked).items()
    return {name: (int(rows.sum()), float(values[rows].mean())) for name, rows in segments if rows.any()}


def of_products(
    lists: Sequence[Sequence[int]], targets: Sequence[set[int]], popularity: np.ndarray, metric: Metric, k: int
) -> dict[str, tuple[int, float]]:
    """Segment -> (shoppers with a right item in it, mean of the metric when only those items are right)."""
    found = {}
    for name, members in product_segments(popularity).items():
        inside = [{item for item in right if members[item]} for right in targets]
        values = [metric(ranked, right, k) for ranked, right in zip(lists, inside, strict=True) if right]
        if values:
            found[name] = len(values), float(np.mean(values))
    return found
