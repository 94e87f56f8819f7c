"""Which products are bought by the same shoppers, more often than chance would have it."""

from dataclasses import dataclass

import numpy as np

# Shoppers whose baskets are looked into at once: bounds the memory that a product everybody buys takes.
SHOPPERS_AT_ONCE = 10_000


@dataclass(frozen=True, eq=False)
class ProductPairs:
    """Pairs of products, each once, the smaller key first, and how many shoppers bought both."""

    first: np.ndarray  # int64 (pairs)
    second: np.ndarray  # int64 (pairs)
    shoppers: np.ndarray  # int64 (pairs)


@dataclass(frozen=True, eq=False)
class _Rows:
    """For each key 0..m-1, the values that go with it (CSR)."""

    starts: np.ndarray  # int64 (m+1)
    values: np.ndarray

    @classmethod
    def of(cls, keys: np.ndarray, values: np.ndarray, count: int) -> "_Rows":
        starts = np.concatenate(([0], np.cumsum(np.bincount(keys, minlength=count))))
        return cls(starts, values[np.argsort(keys, kind="stable")])

    def row(self, key: int) -> np.ndarray:
        return self.values[self.starts[key] : self.starts[key + 1]]

    def rows(self, keys: np.ndarray) -> np.ndarray:
        """The values of many keys, one after the other."""
        lengths = self.starts[keys + 1] - self.starts[keys]
        shifts = self.starts[keys] - np.concatenate(([0], np.cumsum(lengths)[:-1]))
        return self.values[np.arange(lengths.sum()) + np.repeat(shifts, lengths)]


def bought_together(shoppers: np.ndarray, products: np.ndarray, fewest: int, most_others: int) -> ProductPairs:
    """Pairs that at least `fewest` shoppers bought, with a lift above 1: n_XY * n > n_X * n_Y.

    `shoppers` and `products` (N) say who bought what, each such pair once. A pair is kept when it is among the
    `most_others` with most shoppers of either product. The memory grows with N, not with the number of pairs; the time
    with what the buyers of each product bought, not with the square of the products.
    """
    everybody, buyer = np.unique(shoppers, return_inverse=True)
    keys, item, bought = np.unique(products, return_inverse=True, return_counts=True)
    baskets, buyers = _Rows.of(buyer, item, len(everybody)), _Rows.of(item, buyer, len(keys))
    found = [np.zeros((0, 3), np.int64)]
    for one in np.flatnonzero(bought >= fewest):
        others, together = _shoppers_of_both(baskets, buyers.row(one))
        kept = (others != one) & (together >= fewest) & (together * len(everybody) > bought[one] * bought[others])
        others, together = others[kept], together[kept]
        best = np.argsort(-together, kind="stable")[:most_others]
        others, together, ones = others[best], together[best], np.full(len(best), one)
        found.append(np.column_stack((np.minimum(ones, others), np.maximum(ones, others), together)))
    first, second, count = np.unique(np.concatenate(found), axis=0).T
    return ProductPairs(keys[first], keys[second], count)


def _shoppers_of_both(baskets: _Rows, buyers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(what one product's buyers bought, ascending; how many of them each, int64)."""
    parts = [
        np.unique(baskets.rows(buyers[start : start + SHOPPERS_AT_ONCE]), return_counts=True)
        for start in range(0, len(buyers), SHOPPERS_AT_ONCE)
    ]
    products, counts = (np.concatenate(part) for part in zip(*parts, strict=True))
    distinct, which = np.unique(products, return_inverse=True)
    together = np.zeros(len(distinct), np.int64)
    np.add.at(together, which, counts)
    return distinct, together
