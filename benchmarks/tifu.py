"""TIFU-KNN: what a shopper bought, faded by age in two steps, mixed with what the most alike shoppers bought.

Hu, He, Gao, Zhang: Modeling Personalized Item Frequency Information for Next-basket Recommendation, SIGIR 2020. The
published settings for Ta-Feng are the defaults; baskets are the rows of one time.
"""

import numpy as np
from scipy import sparse
from sklearn.preprocessing import normalize

from recommendations.ml.interactions import InteractionLog

WITHIN_DECAY, GROUP_DECAY, GROUP_SIZE = 0.9, 0.7, 7
NEIGHBOURS, OWN = 300, 0.7


def tifu_vectors(log: InteractionLog, n: int) -> tuple[np.ndarray, sparse.csr_array]:
    """(shoppers (S), their vectors (S, n+1)), each basket faded within its group and each group by its age."""
    shoppers, rows, columns, values = [], [], [], []
    for row, (shopper, part) in enumerate(log.by_shopper()):
        shoppers.append(shopper)
        _, basket = np.unique(log.time[part], return_inverse=True)
        baskets = int(basket.max()) + 1
        age = baskets - 1 - basket  # 0 = the newest
        groups = -(-baskets // GROUP_SIZE)
        group = age // GROUP_SIZE
        size = np.minimum(GROUP_SIZE, baskets - group * GROUP_SIZE)
        weight = WITHIN_DECAY ** (age % GROUP_SIZE) / size * GROUP_DECAY**group / groups
        rows.append(np.full(len(weight), row))
        columns.append(log.item[part])
        values.append(weight)
    places = (np.concatenate(rows), np.concatenate(columns))
    vectors = sparse.coo_array((np.concatenate(values), places), shape=(len(shoppers), n + 1)).tocsr()
    return np.array(shoppers), vectors.astype(np.float32)


def tifu_scores(known: tuple[np.ndarray, sparse.csr_array], asked: np.ndarray) -> np.ndarray:
    """(S, n+1) for the shoppers `asked`, all of them known."""
    shoppers, vectors = known
    row = np.searchsorted(shoppers, asked)
    unit = normalize(vectors)
    alike = (unit[row] @ unit.T).toarray()
    alike[np.arange(len(row)), row] = -1
    count = min(NEIGHBOURS, alike.shape[1])
    best = np.argpartition(-alike, count - 1, axis=1)[:, :count]
    picked = sparse.csr_array(
        (np.full(best.size, 1 / count, np.float32), best.ravel(), np.arange(0, best.size + 1, count)),
        shape=alike.shape,
    )
    return OWN * vectors[row].toarray() + (1 - OWN) * (picked @ vectors).toarray()
