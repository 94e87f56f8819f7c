"""TIFU-KNN: what a shopper bought, faded by age in two steps, mixed with what the most alike shoppers bought.

Hu, He, Gao, Zhang: Modeling Personalized Item Frequency Information for Next-basket Recommendation, SIGIR 2020. A
shopper's baskets (the rows of one time) are cut into at most `groups` groups of equal length, the newer ones one
basket longer where they can't be equal. A basket is the set of its products; it fades by `within` for each newer one
of its group, a group by `between` for each newer group; each group is the mean of its baskets, the shopper the mean of
the groups. Neighbours are the nearest in Euclidean distance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from recommendations.ml.interactions import InteractionLog

BLOCK = 256  # shoppers asked at once


@dataclass(frozen=True)
class Settings:
    """As published for one data set."""

    neighbours: int
    within: float
    between: float
    groups: int
    own: float  # share of the shopper's own vector, the rest is the neighbours'


# Ta-Feng, ValuedShopper, Instacart, Dunnhumby.
PUBLISHED = (
    Settings(300, 0.9, 0.7, 7, 0.7),
    Settings(300, 1.0, 0.6, 7, 0.7),
    Settings(900, 0.9, 0.7, 3, 0.9),
    Settings(900, 0.9, 0.6, 3, 0.2),
)


class TifuKnn:
    """Everybody in a log, as vectors."""

    def __init__(self, log: InteractionLog, n: int, settings: Settings) -> None:
        self._settings = settings
        self._shoppers, self._vectors = _vectors(log, n, settings)
        self._squares = np.asarray(self._vectors.multiply(self._vectors).sum(axis=1)).ravel()

    def scores(self, asked: Sequence[int] | np.ndarray) -> np.ndarray:
        """(S, n+1) for the shoppers `asked`, all of them in the log."""
        rows = np.searchsorted(self._shoppers, asked)
        blocks = [self._scores(rows[start : start + BLOCK]) for start in range(0, len(rows), BLOCK)]
        return np.concatenate(blocks)

    def _scores(self, rows: np.ndarray) -> np.ndarray:
        vectors, own = self._vectors[rows], self._settings.own
        nearness = 2 * (vectors @ self._vectors.T).toarray() - self._squares
        nearness[np.arange(len(rows)), rows] = -np.inf  # nobody is their own neighbour
        count = min(self._settings.neighbours, nearness.shape[1] - 1)
        if count == 0:
            return own * vectors.toarray()
        nearest = np.argpartition(-nearness, count - 1, axis=1)[:, :count]
        share = np.full(nearest.size, 1 / count, np.float32)
        ends = np.arange(0, nearest.size + 1, count)
        mean = sparse.csr_array((share, nearest.ravel(), ends), shape=nearness.shape) @ self._vectors
        return own * vectors.toarray() + (1 - own) * mean.toarray()


def _vectors(log: InteractionLog, n: int, settings: Settings) -> tuple[np.ndarray, sparse.csr_array]:
    """(shoppers (S), their vectors (S, n+1))."""
    shoppers, rows, columns, values = [], [], [], []
    for row, (shopper, part) in enumerate(log.by_shopper()):
        _, basket = np.unique(log.time[part], return_inverse=True)
        basket, item = np.unique(np.stack([basket, log.item[part]]), axis=1)
        shoppers.append(shopper)
        rows.append(np.full(len(item), row))
        columns.append(item)
        values.append(_basket_weights(int(basket[-1]) + 1, settings)[basket])
    places = (np.concatenate(rows), np.concatenate(columns))
    vectors = sparse.coo_array((np.concatenate(values), places), shape=(len(shoppers), n + 1)).tocsr()
    return np.array(shoppers), vectors.astype(np.float32)


def _basket_weights(baskets: int, settings: Settings) -> np.ndarray:
    """What each basket counts, oldest first."""
    groups = min(settings.groups, baskets)
    weights: list[float] = []
    for place in range(groups):
        size = baskets // groups + (place >= groups - baskets % groups)
        group = settings.between ** (groups - 1 - place) / groups
        weights += [group * settings.within**age / size for age in reversed(range(size))]
    return np.array(weights)
