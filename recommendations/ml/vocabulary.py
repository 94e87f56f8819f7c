"""The two names of a product: the shop's own key and the item number the arrays are indexed by."""

import json
from collections.abc import Iterable, Sequence
from copy import copy

import numpy as np


class Vocabulary:
    """Item k is the k-th product id given, counted from 1; item 0 is padding and every unknown product.

    Every process of a shop holds one: as Python's own objects a million ids would weigh 170 MB, so they are kept as one
    text and found by their hashes, which are of this process alone.
    """

    def __init__(self, product_ids: Sequence[str]):
        for product_id in product_ids:
            if not isinstance(product_id, str):
                raise TypeError(f"product id {product_id!r} is a {type(product_id).__name__}; pass str(product_id)")
        encoded = [product_id.encode("utf-8", "surrogatepass") for product_id in product_ids]
        self._text = b"".join(encoded)
        self._ends = np.cumsum([0, *map(len, encoded)])
        self._index(_hashes(product_ids))

    def _index(self, hashes: np.ndarray) -> None:
        """`hashes` of the ids in their order; ValueError if one is there twice."""
        order = np.argsort(hashes, kind="stable")
        self._order, self._hashes = order.astype(np.int32), hashes[order]
        # Equal ones have equal hashes and stand together, the first given first.
        for place in np.flatnonzero(self._hashes[1:] == self._hashes[:-1]) + 1:
            product_id = self.product_id(int(self._order[place]) + 1)
            if self.number(product_id) != self._order[place] + 1:
                raise ValueError(f"product id {product_id!r} is listed twice; pass each product id once")

    def extended(self, product_ids: Sequence[str]) -> "Vocabulary":
        """This one and these after it, as cheap as they are few; ValueError if one is there already."""
        more, whole, hashes = Vocabulary(product_ids), copy(self), np.empty(len(self), np.int64)
        hashes[self._order] = self._hashes
        whole._text = self._text + more._text
        whole._ends = np.concatenate((self._ends, self._ends[-1] + more._ends[1:]))
        whole._index(np.concatenate((hashes, _hashes(product_ids))))
        return whole

    def __len__(self) -> int:
        return len(self._order)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._text == other._text and np.array_equal(self._ends, other._ends)

    @property
    def product_ids(self) -> list[str]:
        """Every product id, item 1's first."""
        return [self.product_id(number) for number in range(1, len(self) + 1)]

    def number(self, product_id: str) -> int:
        """The item number of a product, 0 when the recommender does not know it."""
        return int(self.numbers([product_id])[0])

    def numbers(self, product_ids: Iterable[str]) -> np.ndarray:
        """Item numbers (int32) in the given order, 0 for unknown products; one call for many takes less than many."""
        asked = list(product_ids)
        if not asked or not len(self):
            return np.zeros(len(asked), np.int32)
        places = np.searchsorted(self._hashes, _hashes(asked))
        likely = self._order.take(places, mode="clip")
        starts, ends = self._ends[likely].tolist(), self._ends[likely + 1].tolist()
        found = [
            number if self._text[start:end] == name.encode("utf-8", "surrogatepass") else self._found(name, place)
            for name, number, place, start, end in zip(
                asked, (likely + 1).tolist(), places.tolist(), starts, ends, strict=True
            )
        ]
        return np.array(found, np.int32)

    def _found(self, product_id: str, place: int) -> int:
        """The number of a product whose hash others have too, or of none."""
        hashed = hash(product_id)
        while place < len(self._hashes) and self._hashes[place] == hashed:
            number = int(self._order[place]) + 1
            if self.product_id(number) == product_id:
                return number
            place += 1
        return 0

    def product_id(self, number: int) -> str:
        """The product of an item number; IndexError for 0 and for numbers beyond the last item."""
        if not 1 <= number < len(self._ends):
            raise IndexError(f"item number {number} is not in 1..{len(self)}")
        return self._text[self._ends[number - 1] : self._ends[number]].decode("utf-8", "surrogatepass")

    def to_json(self) -> str:
        """A JSON list of the product ids, item 1 first."""
        return json.dumps(self.product_ids, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Vocabulary":
        """The vocabulary that to_json() wrote; ValueError when the text is not a JSON list."""
        product_ids = json.loads(text)
        if not isinstance(product_ids, list):
            raise ValueError(f"the vocabulary is a JSON {type(product_ids).__name__}, expected a list of product ids")
        return cls(product_ids)


def _hashes(product_ids: Sequence[str]) -> np.ndarray:
    return np.fromiter(map(hash, product_ids), np.int64, len(product_ids))
