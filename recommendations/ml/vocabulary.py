"""The two names of a product: the shop's own key and the item number the arrays are indexed by."""

import json
from collections.abc import Iterable, Sequence

import numpy as np


class Vocabulary:
    """Item k is the k-th product id given, counted from 1; item 0 is padding and every unknown product."""

    def __init__(self, product_ids: Sequence[str]):
        self._product_ids = list(product_ids)
        self._numbers = {product_id: k for k, product_id in enumerate(self._product_ids, start=1)}
        for product_id in self._product_ids:
            if not isinstance(product_id, str):
                raise TypeError(f"product id {product_id!r} is a {type(product_id).__name__}; pass str(product_id)")
        if len(self._numbers) != len(self._product_ids):
            raise ValueError(f"product id {self._first_repeated()!r} is listed twice; pass each product id once")

    def _first_repeated(self) -> str:
        return next(p for k, p in enumerate(self._product_ids, start=1) if self._numbers[p] != k)

    def __len__(self) -> int:
        return len(self._product_ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._product_ids == other._product_ids

    @property
    def product_ids(self) -> list[str]:
        """Every product id, item 1's first."""
        return list(self._product_ids)

    def number(self, product_id: str) -> int:
        """The item number of a product, 0 when the recommender does not know it."""
        return self._numbers.get(product_id, 0)

    def numbers(self, product_ids: Iterable[str]) -> np.ndarray:
        """Item numbers (int32) in the given order, 0 for unknown products."""
        return np.array([self._numbers.get(product_id, 0) for product_id in product_ids], np.int32)

    def product_id(self, number: int) -> str:
        """The product of an item number; IndexError for 0 and for numbers beyond the last item."""
        if not 1 <= number <= len(self._product_ids):
            raise IndexError(f"item number {number} is not in 1..{len(self._product_ids)}")
        return self._product_ids[number - 1]

    def to_json(self) -> str:
        """A JSON list of the product ids, item 1 first."""
        return json.dumps(self._product_ids, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """The vocabulary that to_json() wrote; ValueError when the text is not a JSON list."""
        product_ids = json.loads(text)
        if not isinstance(product_ids, list):
            raise ValueError(f"the vocabulary is a JSON {type(product_ids).__name__}, expected a list of product ids")
        return cls(product_ids)
