"""A published recommender in this process's memory, with what the mirror says of its items."""

from collections.abc import Iterable, Sequence, Set
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import islice

import numpy as np

from ..catalog import Catalog, catalogs_of
from ..conf import get_config
from ..ml.newcomers import ids
from ..ml.scorer import Scorer
from ..models import Product, ProductPair
from ..models.hidden_product import Category, stays_among_fewer
from .newcomers import read_newcomers
from .together import BoughtTogether

Row = tuple[str, bool, list[str], str]
ROW = ("product_id", "available", "category", "brand")
AT_ONCE = 5_000  # rows read together
MOST_UNKNOWN = 1_000  # ids kept


@dataclass(eq=False)
class LoadedRecommender:
    """One version's scorer and, for each item (n+1), whether it can be bought and what it is."""

    version: int
    scorer: Scorer
    eligible: np.ndarray = field(init=False)  # bool
    category: np.ndarray = field(init=False)  # int32, equal for equal paths, 0 = none
    brand: np.ndarray = field(init=False)  # int32, 0 = none
    sensitive: np.ndarray = field(init=False)  # bool
    together: BoughtTogether = field(init=False)
    # product_ids of the mirror that the version does not know: the newest that could be bought when they were read
    unknown: tuple[str, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        size = len(self.scorer.vocabulary) + 1
        self.eligible = np.zeros(size, bool)
        self.category = np.zeros(size, np.int32)
        self.brand = np.zeros(size, np.int32)
        self.sensitive = np.zeros(size, bool)
        self.together = BoughtTogether.nothing(self.scorer.vocabulary)
        self._codes: dict[object, int] = {}
        self._items_of: dict[str, np.ndarray] = {}
        self._unknown: dict[str, None] = {}  # of the last refreshes, oldest first

    @cached_property
    def following(self) -> np.ndarray:
        """How strongly each item follows any other, float64 (n+1), above 0: the sums of the next-item table."""
        return self.scorer.score.next_item.followed() + 1e-9

    def can_be_named(self, item: int) -> bool:
        """Whether a reason may name it: it is still sold, and in no sensitive category."""
        return bool(self.eligible[item] and not self.sensitive[item])

    def is_linked(self, item: int, anchor: int) -> bool:
        """Whether anybody can see what connects the two: the same category or brand."""
        same_category = self.category[item] and self.category[item] == self.category[anchor]
        same_brand = self.brand[item] and self.brand[item] == self.brand[anchor]
        return bool(same_category or same_brand)

    def left_out_of(self, categories: Iterable[Category]) -> np.ndarray:
        """bool (n+1): what must not be shown of categories that are wanted less."""
        codes = [self._codes[category] for category in categories if category in self._codes]
        return np.isin(self.category, codes) & ~self._stays_among_fewer

    @cached_property
    def _stays_among_fewer(self) -> np.ndarray:
        return np.array([False, *map(stays_among_fewer, self.scorer.vocabulary.product_ids)])

    def items_of(self, catalog: Catalog) -> np.ndarray:
        """bool (n+1): the items that are of one registered model."""
        if catalog.name not in self._items_of:
            owners = catalogs_of(self.scorer.vocabulary.product_ids)
            self._items_of[catalog.name] = np.array([False, *(owner is catalog for owner in owners)])
        return self._items_of[catalog.name]

    def refresh(self, seconds: float | None = None) -> None:
        """Read the mirror's rows that changed in the last `seconds` (all without), and the pairs once counted anew."""
        rows = Product.objects.all() if seconds is None else Product.objects.changed_within(seconds)
        self._read(rows.order_by("pk").values_list(*ROW).iterator(chunk_size=AT_ONCE))
        self.unknown = tuple(dict.fromkeys((*self.unknown, *self._unknown)))[-MOST_UNKNOWN:]
        if ProductPair.objects.counted_at() != self.together.counted_at:
            self.together = BoughtTogether.read(self.scorer.vocabulary)

    def with_newcomers(self) -> "LoadedRecommender":
        """The same with the products that came since the training, as far as the last refreshes saw them.

        This one stays as it is: lists that are being made of it go on with it.
        """
        unknown, self._unknown = list(self._unknown), {}
        newcomers = read_newcomers(self.scorer, unknown) if unknown else []
        if not newcomers:
            return self
        other, more, placed = copy(self), (0, len(newcomers)), set(ids(newcomers))
        other.scorer = self.scorer.with_newcomers(newcomers)
        other.unknown = tuple(product_id for product_id in self.unknown if product_id not in placed)
        for name in ("eligible", "category", "brand", "sensitive"):
            setattr(other, name, np.pad(getattr(self, name), more))
        other.together = replace(self.together, starts=np.pad(self.together.starts, more, mode="edge"))
        other._items_of = {}
        for counted in ("following", "_stays_among_fewer"):
            other.__dict__.pop(counted, None)
        other._read(Product.objects.filter(product_id__in=placed).values_list(*ROW))
        return other

    def _read(self, rows: Iterable[Row]) -> None:
        sensitive, rows = set(get_config().SENSITIVE_CATEGORIES), iter(rows)
        while some := list(islice(rows, AT_ONCE)):
            self._read_some(some, sensitive)

    def _read_some(self, rows: Sequence[Row], sensitive: Set[str]) -> None:
        items = self.scorer.vocabulary.numbers(product_id for product_id, *_ in rows).tolist()
        for item, (product_id, available, category, brand) in zip(items, rows, strict=True):
            if item == 0:
                if available:
                    self._unknown[product_id] = None
                continue
            self.eligible[item] = available
            self.category[item] = self._code(tuple(category)) if category else 0
            self.brand[item] = self._code(brand) if brand else 0
            self.sensitive[item] = not sensitive.isdisjoint(category)

    def _code(self, name: object) -> int:
        return self._codes.setdefault(name, len(self._codes) + 1)
