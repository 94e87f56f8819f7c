"""How faithful an explanation is: what becomes of a shown item when units of its history are taken out.

An explanation is an order of all the m units, the most important first; `without` says what becomes of the item
without some of them. Formulas and how to read them: docs/fidelity.md.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp

import numpy as np

# Histories of at most so many units have all their subsets tried: 2 ** 7.
EXACT_UNITS = 7


@dataclass(frozen=True)
class Standing:
    """Where an item stands in one ranking."""

    rank: int  # 1 = first
    log_share: float  # log p, p its share of the softmax over the pool


Without = Callable[[frozenset[int]], Standing]


@dataclass(frozen=True)
class Difference:
    """A mean of paired differences and the middle 95 % of its bootstrap."""

    mean: float
    low: float
    high: float


def pos(without: Without, order: Sequence[int], ke: int, limit: int) -> float:
    """POS@limit,ke: 1 when the item stays among the first `limit` without the first ke units; lower is better."""
    return float(_deleted(without, order, ke).rank <= limit)


def deletion(without: Without, order: Sequence[int], ke: int) -> float:
    """DELp@ke: log p without the first ke units minus log p; lower is better."""
    return _deleted(without, order, ke).log_share - without(frozenset()).log_share


def insertion(without: Without, order: Sequence[int], ke: int) -> float:
    """INSp@ke: log p with nothing but the first ke units minus log p; higher is better."""
    _check_ke(order, ke)
    return without(frozenset(order[ke:])).log_share - without(frozenset()).log_share


def aopc(without: Without, order: Sequence[int]) -> float:
    """How far p falls, averaged over taking out the first 1, 2, ... m-1 units; the last one always stays."""
    _check_ke(order, 1)
    whole = _share(without, ())
    return sum(whole - _share(without, order[:k]) for k in range(1, len(order))) / (len(order) - 1)


def aopc_bounds(without: Without, units: Collection[int]) -> tuple[float, float]:
    """(least, greatest) aopc of any order, exactly. Raises ValueError for more than EXACT_UNITS units: all sets are
    looked at."""
    _check_ke(units, 1)
    if len(units) > EXACT_UNITS:
        raise ValueError(f"{len(units)} units: expected at most {EXACT_UNITS}")
    return -_best_aopc(without, units, -1), _best_aopc(without, units, 1)


def naopc(value: float, bounds: tuple[float, float]) -> float | None:
    """NAOPC: where `value` lies between the bounds, 1 is the best order; None when every order does the same."""
    least, greatest = bounds
    return (value - least) / (greatest - least) if greatest > least else None


def is_false(without: Without, named: int, limit: int) -> bool:
    """Strictly false: the item stays among the first `limit` without the named unit."""
    return without(frozenset({named})).rank <= limit


def is_false_leniently(without: Without, named: int, units: Collection[int], limit: int) -> bool:
    """False even leniently: the named unit is in no minimal set of one or two units that evicts the item."""
    if not is_false(without, named, limit):
        return False
    return not any(named in pair for pair in minimal_pairs(without, units, limit, holding=named))


def minimal_pairs(
    without: Without, units: Collection[int], limit: int, holding: int | None = None
) -> list[tuple[int, int]]:
    """Pairs that evict the item from the first `limit` while neither of the two does alone."""
    if holding is None:
        pairs: Iterable[tuple[int, int]] = combinations(units, 2)
    else:
        pairs = ((holding, unit) for unit in units if unit != holding)
    return [
        pair
        for pair in pairs
        if without(frozenset(pair)).rank > limit and all(is_false(without, unit, limit) for unit in pair)
    ]


def evicting(without: Without, units: Collection[int], limit: int) -> list[int]:
    """The units each of which alone carries the item: without it, it leaves the first `limit`."""
    return [unit for unit in units if not is_false(without, unit, limit)]


def specificity(evicting_counts: Iterable[int]) -> float | None:
    """SPEC: of the items that at least one unit evicts, the share that exactly one does; None without any."""
    counts = [count for count in evicting_counts if count > 0]
    return sum(count == 1 for count in counts) / len(counts) if counts else None


def paired_bootstrap(first: Sequence[float], second: Sequence[float], draws: int = 2_000, seed: int = 0) -> Difference:
    """The mean of first - second, measured on the same cases, with the middle 95 % of means over redrawn cases.

    Items of one list are alike: pass one mean a shopper, so that shoppers are what is drawn.
    """
    if len(first) != len(second) or len(first) == 0:
        raise ValueError(f"{len(first)} and {len(second)} values; pass two lists of the same cases, at least one case")
    differences = np.asarray(first, float) - np.asarray(second, float)
    rng = np.random.default_rng(seed)
    means = [differences[rng.integers(0, len(differences), len(differences))].mean() for _ in range(draws)]
    low, high = np.percentile(means, [2.5, 97.5])
    return Difference(float(differences.mean()), float(low), float(high))


def _best_aopc(without: Without, units: Collection[int], sign: int) -> float:
    """The greatest sign * aopc, over sets that grow by one unit at a time.

    What a set adds does not depend on the order it came about in, so keeping the best way to each set is exact.
    """
    whole = _share(without, ())
    reached: dict[frozenset[int], float] = {frozenset(): 0.0}
    for _ in range(len(units) - 1):
        grown: dict[frozenset[int], float] = {}
        for removed, total in reached.items():
            for unit in set(units) - removed:
                grown[removed | {unit}] = max(total, grown.get(removed | {unit}, total))
        reached = {removed: total + sign * (whole - _share(without, removed)) for removed, total in grown.items()}
    return max(reached.values()) / (len(units) - 1)


def _deleted(without: Without, order: Sequence[int], ke: int) -> Standing:
    _check_ke(order, ke)
    return without(frozenset(order[:ke]))


def _share(without: Without, removed: Collection[int]) -> float:
    return exp(without(frozenset(removed)).log_share)


def _check_ke(units: Collection[int], ke: int) -> None:
    if not 1 <= ke < len(units):
        raise ValueError(f"ke={ke} of {len(units)} units; expected at least 1, and fewer than there are units")
