"""Raw rows of a file: which are interactions, and what is wrong with the others."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any

from ..ml.kinds import Kind
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable
from .batches import MAX_QUANTITY, Batch
from .events import tidy_query
from .reading import COLUMNS, Raw

KINDS = {kind.name.lower(): int(kind) for kind in Kind}
MAX_SHOPPER = 255
FIRST_YEAR = 1970
DEFAULTS = {"kind": "purchase", "quantity": "1"}


class Rejected(ValueError):
    """What is wrong with a value; the text goes into the file of rejected rows."""


@dataclass
class Checker:
    """Turns raw columns into batches; what can't be used is kept with its reason until `take_rejected`."""

    products: Collection[str]
    timezone: tzinfo
    now: datetime
    shoppers: Collection[str] | None = None  # None: any name will do
    rejected: list[tuple[int, str, tuple[str, ...]]] = field(default_factory=list)
    row: int = 0  # of the file, the first below the header is 1
    _times: dict[Any, int] = field(default_factory=dict)

    def check(self, raw: Raw) -> Batch:
        """The good rows of a chunk."""
        count = len(next(iter(raw.values())))
        columns = [raw.get(name) or [""] * count for name in COLUMNS]
        good = list(self._good(zip(*columns, strict=True)))
        self._times.clear()
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
                yield self._checked(*values)
            except Rejected as error:
                self.rejected.append((self.row, str(error), tuple(map(_text, values))))

    def _checked(
        self, shopper: Any, product: Any, kind: Any, occurred_at: Any, quantity: Any, query: Any, order: Any
    ) -> tuple[Any, ...]:
        shopper, product, order = _text(shopper), _text(product), _text(order)
        query = tidy_query(_text(query))
        if not 0 < len(shopper) <= MAX_SHOPPER or not is_storable(shopper):
            raise Rejected(f"shopper: expected 1 to {MAX_SHOPPER} characters, none of them NUL or half of a pair")
        if self.shoppers is not None and shopper not in self.shoppers:
            raise Rejected(f"shopper {shopper!r}: expected the primary key of a user")
        name = _text(kind) or DEFAULTS["kind"]
        if name not in KINDS:
            raise Rejected(f"kind {name!r}: expected one of {', '.join(KINDS)}")
        number = KINDS[name]
        if number == Kind.SEARCH:
            if not query:
                raise Rejected("query: a search needs one")
            product = ""
        elif product not in self.products:
            raise Rejected(f"product {product[:MAX_PRODUCT_ID]!r}: not in the catalog; run sync_catalog first")
        return shopper, product, number, self._seconds(occurred_at), _quantity(quantity), query, order

    def _seconds(self, value: Any) -> int:
        if not isinstance(value, (str, datetime)):  # a column of Parquet may hold lists
            value = _text(value)
        # Rows of one order share their time: reading it is the slowest check.
        found = self._times.get(value)
        if found is None:
            found = self._times[value] = self._read_time(value)
        return found

    def _read_time(self, value: Any) -> int:
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
        return int(time.astimezone(UTC).timestamp())


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
