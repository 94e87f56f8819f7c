"""What a step learns from, and with numbers of its own: a step meets few products of a large catalog."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ..sequences import Bag, Queries
from .loss import Negatives
from .windows import Rows


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step learns from."""

    rows: Rows
    negatives: Negatives
    rate: float

    def renumbered(self, queries: Queries) -> tuple[np.ndarray, Self, Queries]:
        """(the products that the step meets, ascending, padding first; the batch and its searches with the places in
        these as numbers).
        """
        searched = queries.among(self.rows.items)
        asked = np.unique(self.rows.items[searched])
        bags = [queries.bag(number) for number in asked.tolist()]
        items, drawn = np.where(searched, 0, self.rows.items), self.negatives.items.numpy()
        is_met = np.zeros(len(self.negatives.column), bool)
        is_met[0] = True
        for some in (items, self.rows.targets, drawn, *(bag.items for bag in bags)):
            is_met[some] = True
        met = np.flatnonzero(is_met)
        place = np.zeros(len(is_met), np.int64)
        place[met] = np.arange(len(met))
        items = np.where(searched, len(met) + np.searchsorted(asked, self.rows.items), place[items])
        rows = replace(self.rows, items=items, targets=place[self.rows.targets])
        negatives = Negatives.of(place[drawn], self.negatives.correction.numpy(), len(met) - 1)
        found = Queries(len(met), [Bag(place[bag.items], bag.weights) for bag in bags])
        return met, replace(self, rows=rows, negatives=negatives), found
