"""How alike products are by their words, whoever met them: it counts beside what usually comes next."""

import numpy as np
from scipy import sparse

from ..text import MOST_ALIKE, MOST_HAVING, MOST_WORDS, QueryIndex
from .cooccurrence import strongest

# Products that are compared with all others at a time.
AT_ONCE = 500


def likeness(index: QueryIndex, n: int) -> sparse.csr_array:
    """(n+1, n+1) float32: the cosines of each product with the MOST_ALIKE products most like it, of tf-idf vectors.

    Of equally alike ones the popular are kept, then the low numbers. Row 0 and the diagonal are empty.
    """
    words = sparse.csr_array((index.values, index.items, index.indptr), shape=(len(index.words), n + 1))
    words = words[np.flatnonzero(np.diff(words.indptr) <= MOST_HAVING)]
    known = np.zeros(n + 1) if index.popularity is None else index.popularity
    popular_first = np.argsort(-known, kind="stable")
    products, others = _rarest(words), words[:, popular_first]
    parts = [_most_alike(products, others, popular_first, first) for first in range(0, n + 1, AT_ONCE)]
    return sparse.vstack(parts, format="csr")


def _rarest(words: sparse.csr_array) -> sparse.csr_array:
    """(n+1, words): each product's MOST_WORDS rarest words."""
    having = np.diff(words.indptr)
    products = words.T.tocsr()
    rarity = sparse.csr_array((1 / having[products.indices], products.indices, products.indptr), products.shape)
    kept = strongest(rarity, MOST_WORDS)
    row = np.repeat(np.arange(products.shape[0]), np.diff(products.indptr))[kept]
    return sparse.coo_array((products.data[kept], (row, products.indices[kept])), shape=products.shape).tocsr()


def _most_alike(
    products: sparse.csr_array, others: sparse.csr_array, number: np.ndarray, first: int
) -> sparse.csr_array:
    """The rows of the products from `first` on; `number` tells which products the columns of `others` are."""
    found = (products[first : first + AT_ONCE] @ others).tocoo()
    apart = found.row + first != number[found.col]
    places = found.row[apart], found.col[apart]
    cosines = sparse.coo_array((found.data[apart], places), shape=found.shape).tocsr()
    cosines.sort_indices()
    kept = strongest(cosines, MOST_ALIKE)
    row = np.repeat(np.arange(found.shape[0]), np.diff(cosines.indptr))[kept]
    places = row, number[cosines.indices[kept]]
    return sparse.coo_array((cosines.data[kept], places), shape=found.shape, dtype=np.float32).tocsr()
