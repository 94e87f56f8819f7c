"""Item neighbours: products bought by the same shoppers are alike. A baseline."""

import numpy as np
from scipy import sparse

from ..interactions import InteractionLog
from ..splitting import HeldOut
from .cooccurrence import strongest

NEIGHBOURS = 100
BLOCK = 512


def item_neighbours(log: InteractionLog, n: int) -> sparse.csr_array:
    """(n+1, n+1): cosine of TF-IDF weighted shopper columns, the best NEIGHBOURS of each item, itself left out."""
    log = log.products()
    starts = log.shopper_starts()
    shopper = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    met = sparse.coo_array((np.ones(len(log), np.float32), (shopper, log.item)), shape=(len(starts) - 1, n + 1)).tocsr()
    shoppers_of = np.maximum(np.bincount(met.indices, minlength=n + 1), 1)
    met.data = np.sqrt(met.data) * np.log(met.shape[0] / shoppers_of + 1)[met.indices].astype(np.float32)
    lengths = np.sqrt(np.asarray(met.power(2).sum(axis=0)).ravel())
    met.data = met.data / np.maximum(lengths[met.indices], 1e-12)
    columns = met.tocsc()
    return sparse.vstack([_best(columns, met, start) for start in range(0, n + 1, BLOCK)]).tocsr()


def neighbour_scores(neighbours: sparse.csr_array, asked: HeldOut) -> np.ndarray:
    """The sum of each item's likeness to the items a shopper met, (S, n+1)."""
    indptr = np.concatenate(([0], np.cumsum([len(met) for met in asked.met])))
    items = np.concatenate(asked.met)
    met = sparse.csr_array((np.ones(len(items), np.float32), items, indptr), shape=(len(asked), neighbours.shape[0]))
    return (met @ neighbours).toarray().astype(np.float32)


def _best(columns: sparse.csc_array, met: sparse.csr_array, start: int) -> sparse.csr_array:
    """The NEIGHBOURS most alike of a block of items, (BLOCK, n+1); items that no shopper connects cost nothing."""
    alike = (columns[:, start : start + BLOCK].T @ met).tocsr()
    row = np.repeat(np.arange(alike.shape[0]), np.diff(alike.indptr))
    alike.data[alike.indices == row + start] = 0
    kept = strongest(alike, NEIGHBOURS)
    return sparse.csr_array((alike.data[kept], (row[kept], alike.indices[kept])), shape=alike.shape)
