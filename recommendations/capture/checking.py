"""Raw rows of a file: which are interactions, and what is wrong with the others."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any

from ..ml.kinds import Kind
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable
from .batches import MAX_QUANTITY
from .events import tidy_query
from .reading import COLUMNS, Chunk

KINDS = {kind.name.lower(): int(kind) for kind in Kind}
SEARCH = int(Kind.SEARCH)
MAX_SHOPPER = 255
FIRST_YEAR = 1970
DEFAULTS = {"kind": "purchase", "quantity": "1"}

# Shopper, product, kind, seconds, quantity, query and order of a row that can be used, and its number.
Row = tuple[str, str, int, int, int, str, str, int]
# Number, reason and values, in the order of COLUMNS, of one that can't.
RejectedRow = tuple[int, str, tuple[str, ...]]


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
    """Tells rows that can be used from others; these are kept with their reason until `take_rejected`."""

    products: Collection[str]
    timezone: tzinfo
    now: datetime
    shoppers: Collection[str] | None = None  # None: any name will do
    rejected: list[RejectedRow] = field(default_factory=list)
    read: int = 0  # rows so far

    def __post_init__(self) -> None:
        read = (self._shopper, self._product, _kind, self._seconds, _quantity, _query, _text)
        self._read = [_Once(function) for function in read]

    def check(self, chunk: Chunk) -> list[Row]:
        """The good rows of a chunk."""
        count = len(chunk.numbers)
        self.read += count
        columns = [chunk.columns.get(name) or [""] * count for name in COLUMNS]
        rows = zip(chunk.numbers, zip(*columns, strict=True), strict=True)
        good = list(self._good(rows, chunk.too_long, len(chunk.columns)))
        for known in self._read:
            known.clear()
        return good

    def take_rejected(self) -> list[RejectedRow]:
        """What was found since the last call."""
        taken, self.rejected = self.rejected, []
        return taken

    def _good(
        self, rows: Iterator[tuple[int, tuple[Any, ...]]], too_long: Mapping[int, int], width: int
    ) -> Iterator[Row]:
        for number, values in rows:
            try:
                if number in too_long:
                    raise Rejected(f"{too_long[number]} values, expected {width}")
                try:
                    row = self._checked(*values)
                except TypeError:  # a column of Parquet may hold lists, which no dict takes as a key
                    row = self._checked(*map(_text, values))
                yield (*row, number)
            except Rejected as error:
                self.rejected.append((number, str(error), tuple(map(_text, values))))

    def _checked(
        self, shopper: Any, product: Any, kind: Any, occurred_at: Any, quantity: Any, query: Any, order: Any
    ) -> tuple[str, str, int, int, int, str, str]:
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
    # A column of whole numbers with gaps arrives as floats, or as decimals like 17.00.
    return str(int(value)) if isinstance(value, float | Decimal) and value % 1 == 0 else str(value)
