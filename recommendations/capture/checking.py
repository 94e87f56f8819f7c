"""Raw rows of a file: which are interactions, and what is wrong with the others."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from ..ml.kinds import Kind
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable
from .batches import MAX_QUANTITY, Batch
from .events import tidy_query
from .reading import COLUMNS, Raw

KINDS = {kind.name.lower(): int(kind) for kind in Kind}
SEARCH = int(Kind.SEARCH)
MAX_SHOPPER = 255
FIRST_YEAR = 1970
DEFAULTS = {"kind": "purchase", "quantity": "1"}


class Rejected(ValueError):
    """What is wrong with a value; the text goes into the file of rejected rows."""


class _Once(dict[Any, Any]):
    """What a function makes of each value, made once: the columns of a log hold few values, again and again."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make

    def __missing__(self, value: Any) -> Any:
        made = self[value] = self.make(value)
        return made


@dataclass
class Checker:
    """Turns raw columns into batches; what can't be used is kept with its reason until `take_rejected`."""

    products: Collection[str]
    timezone: tzinfo
    now: datetime
    shoppers: Collection[str] | None = None  # None: any name will do
    rejected: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    row: int = 0  # of the file, the first below the header is 1

    def __post_init__(self) -> None:
        read = (self._shopper, self._product, _kind, self._seconds, _quantity, _query, _text)
        self._read = [_Once(function) for function in read]

    def check(self, raw: Raw) -> Batch:
        """The good rows of a chunk."""
        count = len(next(iter(raw.values())))
        columns = [raw.get(name) or [""] * count for name in COLUMNS]
        good = list(self._good(zip(*columns, strict=True)))
        for known in self._read:
            known.clear()
        names = ("shopper", "product", "kind", "time", "quantity", "query", "order")
        values = zip(*good, strict=True) if good else [()] * len(names)
        return Batch(**dict(zip(names, values, strict=True)))

    def take_rejected(self) -> list[tuple[int, str, tuple[str, ...]]]:
        """(row, reason, its values in the order of COLUMNS) of those found since the last call."""
        taken, self.rejected = self.rejected, []
        return taken

    def _good(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for values in rows:
            self.row += 1
            try:
                try:
                    yield self._checked(*values)
                except TypeError:  # a column of Parquet may hold lists, which no dict takes as a key
                    yield self._checked(*map(_text, values))
            except Rejected as error:
                self.rejected.append((self.row, str(error), tuple(map(_text, values))))

    def _checked(
        self, shopper: Any, product: Any, kind: Any, occurred_at: Any, quantity: Any, query: Any, order: Any
    ) -> tuple[Any, ...]:
        shoppers, products, kinds, times, quantities, queries, orders = self._read
        shopper, kind, query = shoppers[shopper], kinds[kind], queries[query]
        if kind != SEARCH:
            product = products[product]
        elif query:
            product = ""
        else:
            raise Rejected("query: a search needs one")
        return shopper, product, kind, times[occurred_at], quantities[quantity], query, orders[order]

    def _shopper(self, value: Any) -> str:
        shopper = _text(value)
        if not 0 < len(shopper) <= MAX_SHOPPER or not is_storable(shopper):
            raise Rejected(f"shopper: expected 1 to {MAX_SHOPPER} characters, none of them NUL or half of a pair")
        if self.shoppers is not None and shopper not in self.shoppers:
            raise Rejected(f"shopper {shopper!r}: expected the primary key of a user")
        return shopper

    def _product(self, value: Any) -> str:
        product = _text(value)
        if product not in self.products:
            raise Rejected(f"product {product[:MAX_PRODUCT_ID]!r}: not in the catalog; run sync_catalog first")
        return product

    def _seconds(self, value: Any) -> int:
        try:
            time = value if isinstance(value, datetime) else datetime.fromisoformat(_text(value))
            # The first and last year there are can't be moved to UTC.
            if not FIRST_YEAR <= time.year < 9999:
                raise ValueError
        except ValueError:
            raise Rejected(f"occurred_at {_text(value)!r}: expected a time like 2026-01-31 18:05:00") from None
        if time.tzinfo is None:
            time = time.replace(tzinfo=self.timezone)
        if time > self.now:
            raise Rejected(f"occurred_at {_text(value)!r}: expected a time in the past")
        return int(time.timestamp())


def _kind(value: Any) -> int:
    name = _text(value) or DEFAULTS["kind"]
    if name not in KINDS:
        raise Rejected(f"kind {name!r}: expected one of {', '.join(KINDS)}")
    return KINDS[name]


def _query(value: Any) -> str:
    return tidy_query(_text(value))


def _quantity(value: Any) -> int:
    text = _text(value) or DEFAULTS["quantity"]
    try:
        number = int(text)
    except ValueError:
        number = 0
    if not 0 < number <= MAX_QUANTITY:
        raise Rejected(f"quantity {text!r}: expected a whole number from 1; a return is kind return")
    return number


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.strip()
    if value is None or value != value:
        return ""
    # A column of whole numbers with gaps arrives as floats.
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
