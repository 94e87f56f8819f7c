"""What all lists together show: how evenly, how little known, and how true to each shopper's taste."""

from collections.abc import Iterable, Sequence

import numpy as np

from .interactions import InteractionLog

# Steck's: how much of the past's categories is mixed into the list's, so that none has the chance 0.
SMOOTHING = 0.01


def gini(lists: Iterable[Sequence[int]], n: int, k: int) -> float:
    """How unevenly the places are shared out among n items: 0 = all alike, 1 = one item has them all.

    Shani, Gunawardana: Evaluating Recommendation Systems, Recommender Systems Handbook, 2011; items
    that are never shown count.
    """
    shown = np.array([item for ranked in lists for item in ranked[:k]], np.int64)
    places = np.sort(np.bincount(shown, minlength=n + 1)[1:])
    if n < 2 or places.sum() == 0:
        return 0.0
    rank = np.arange(1, n + 1)
    return float(((2 * rank - n - 1) * places).sum() / ((n - 1) * places.sum()))


def self_information(log: InteractionLog, n: int) -> np.ndarray:
    """Bits that meeting an item tells of a shopper, float64 (n+1): log2 of shoppers over those who met it.

    One more shopper who met everything is counted, so that what nobody met has a finite value.
    """
    log = log.products()
    shoppers = len(np.unique(log.shopper))
    pairs = np.unique(np.stack((log.shopper, log.item.astype(np.int64))), axis=1)
    met_by = np.bincount(pairs[1], minlength=n + 1)
    return np.log2((shoppers + 1) / (met_by + 1))


def novelty(lists: Iterable[Sequence[int]], information: np.ndarray, k: int) -> float:
    """Mean self-information of what is shown, in bits; 0 = everybody has met it already.

    Zhou et al.: Solving the apparent diversity-accuracy dilemma of recommender systems, PNAS 107(10), 2010.
    """
    shown = np.array([item for ranked in lists for item in ranked[:k]], np.int64)
    return float(information[shown].mean()) if len(shown) else 0.0


def miscalibration(
    histories: Sequence[np.ndarray], lists: Sequence[Sequence[int]], category: np.ndarray, k: int
) -> np.ndarray:
    """How far each list's categories are from those of the shopper's past (S): Kullback-Leibler, 0 = the same shares.

    Steck: Calibrated Recommendations, RecSys 2018, all events weighing alike. This is calibration of
    categories, not of scores. `category` (n+1) numbers each item's, 0 = none; NaN where past or list has none at all.
    """
    width = int(category.max()) + 1
    found = np.full(len(lists), np.nan)
    for row, (past, ranked) in enumerate(zip(histories, lists, strict=True)):
        wanted = np.bincount(category[past], minlength=width)[1:].astype(float)
        given = np.bincount(category[ranked[:k]], minlength=width)[1:].astype(float) if ranked[:k] else wanted * 0
        if wanted.sum() and given.sum():
            found[row] = _divergence(wanted / wanted.sum(), given / given.sum())
    return found


def _divergence(wanted: np.ndarray, given: np.ndarray) -> float:
    wanted, given = wanted[wanted > 0], given[wanted > 0]
    return float((wanted * np.log(wanted / ((1 - SMOOTHING) * given + SMOOTHING * wanted))).sum())
