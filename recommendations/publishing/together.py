"""What shoppers bought together, in this process's memory."""

from array import array
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from ..ml.vocabulary import Vocabulary
from ..models import ProductPair


@dataclass(frozen=True, eq=False)
class BoughtTogether:
    """For each item (n+1), the items that the same shoppers bought and how many shoppers did (CSR)."""

    starts: np.ndarray  # int64 (n+2)
    others: np.ndarray  # int64
    shoppers: np.ndarray  # int64
    counted_at: datetime | None  # None when nothing is counted

    @classmethod
    def nothing(cls, vocabulary: Vocabulary) -> "BoughtTogether":
        return cls(np.zeros(len(vocabulary) + 2, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64), None)

    @classmethod
    def read(cls, vocabulary: Vocabulary) -> "BoughtTogether":
        """All pairs that were counted, both ways. One SELECT, so that it is one count."""
        rows = ProductPair.objects.values_list(
            "product__product_id", "other__product_id", "shoppers", "counted_at"
        ).iterator(chunk_size=5_000)
        number, pairs, counted_at = vocabulary.number, array("q"), None
        for one, other, shoppers, at in rows:
            pairs.extend((number(one), number(other), shoppers))
            counted_at = at
        ones, others, shoppers = np.frombuffer(pairs, np.int64).reshape(-1, 3).T
        known = (ones > 0) & (others > 0)
        ones, others, shoppers = ones[known], others[known], shoppers[known]
        ones, others = np.concatenate((ones, others)), np.concatenate((others, ones))
        order = np.argsort(ones, kind="stable")
        starts = np.concatenate(([0], np.cumsum(np.bincount(ones, minlength=len(vocabulary) + 1))))
        return cls(starts, others[order], np.tile(shoppers, 2)[order], counted_at)

    def row(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """(items bought by the same shoppers, how many shoppers)."""
        entries = slice(self.starts[item], self.starts[item + 1])
        return self.others[entries], self.shoppers[entries]
