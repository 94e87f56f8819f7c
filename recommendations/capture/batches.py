"""Clean rows into the log, many at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from ..conf import get_config
from ..exceptions import InvalidInteraction, UnknownProduct
from ..ml.kinds import Kind
from ..models import Interaction, Product, Shopper
from ..models.inserting import NewInteractions
from .keys import key_of_order_line, key_of_row

MAX_QUANTITY = 2**31 - 1  # what the column holds


@dataclass(frozen=True)
class Batch:
    """Columns of equal length (lists or numpy arrays); a single value stands for a column of it.

    `order` names the order a line belongs to: lines of one order and product are one interaction with the sum of
    their quantities, and lines of one order share the time of its first line. A batch must hold orders whole.
    """

    shopper: Sequence[str]  # external ids, or users' primary keys
    product: Sequence[str]  # product_ids that the mirror knows; "" for a search
    time: Sequence[int]  # seconds since 1970, UTC
    kind: Sequence[int] | int = Kind.PURCHASE
    quantity: Sequence[int] | int = 1
    query: Sequence[str] | str = ""
    order: Sequence[str] | str = ""

    def __len__(self) -> int:
        return len(self.shopper)

    def column(self, name: str) -> list[Any]:
        """The column as a list of plain Python values."""
        values = getattr(self, name)
        if isinstance(values, int | str):
            return list(repeat(int(values) if isinstance(values, int) else values, len(self)))
        return values.tolist() if hasattr(values, "tolist") else list(values)


@dataclass
class ImportResult:
    """What became of the rows; all but `read` add up to it."""

    read: int = 0
    added: int = 0
    repeated: int = 0  # there already, or a further line of the same order and product
    forgotten: int = 0  # older than RETENTION_DAYS or the shopper's erasure, or of a shopper who opted out
    rejected: int = 0  # in files only
    reasons: Counter[str] = field(default_factory=Counter)  # why they were, without their values


def import_rows(
    batches: Iterable[Batch], report: Callable[[int], None] | None = None, shoppers_are_users: bool = False
) -> ImportResult:
    """Store rows that are known to be right; `report(rows done)` after each batch, each batch is one transaction.

    Shoppers are made as needed. A repeated import adds nothing twice: a row is its order, kind and product, or
    without an order its shopper, kind, product or query, and second. Raises UnknownProduct, and InvalidInteraction
    for a user who does not exist.
    """
    return store_batches(batches, known_products(), report, shoppers_are_users)


def known_products() -> dict[str, int]:
    """product_id -> primary key of every product that the mirror holds."""
    return {product_id: pk for pk, product_id in Product.objects.vocabulary()}


def store_batches(
    batches: Iterable[Batch], products: dict[str, int], report: Callable[[int], None] | None, shoppers_are_users: bool
) -> ImportResult:
    """import_rows() with the products that its caller has read."""
    result = ImportResult()
    for batch in batches:
        with Interaction.objects.atomic():
            # Asked anew for each batch: an import takes minutes, in which shoppers may have everything erased, and
            # removals be purged.
            _store(batch, products, Shoppers(shoppers_are_users), result)
        if report:
            report(result.read)
    return result


class Shoppers:
    """Who the shoppers of a batch are, asked once each."""

    def __init__(self, are_users: bool = False) -> None:
        self.field = "user_id" if are_users else "external_id"
        # shopper as named -> (primary key, seconds up to which its events are forgotten)
        self.known: dict[str, tuple[int, float]] = {}
        # Longer ago, the removals that hid an event may be purged: it would come back.
        self.too_old = (timezone.now() - get_config().kept_for).timestamp()

    def find(self, names: Iterable[str]) -> None:
        """Look up or make those not met yet."""
        new = sorted(set(names) - self.known.keys())
        for start in range(0, len(new), 500):
            part = new[start : start + 500]
            self._read(part)
            if missing := [name for name in part if name not in self.known]:
                self._refuse_unknown_users(missing)
                made = [Shopper(**{self.field: name}) for name in missing]
                Shopper.objects.bulk_create(made, ignore_conflicts=True)
                self._read(missing)

    def _read(self, names: Sequence[str]) -> None:
        rows = Shopper.objects.filter(**{f"{self.field}__in": names})
        for name, pk, personalised, erased_at in rows.values_list(self.field, "pk", "personalised", "erased_at"):
            until = max(erased_at.timestamp(), self.too_old) if erased_at else self.too_old
            self.known[str(name)] = pk, until if personalised else float("inf")

    def _refuse_unknown_users(self, names: Sequence[str]) -> None:
        if self.field == "user_id":
            users = get_user_model()._default_manager.in_bulk(names)
            known = {str(key) for key in users}
            if unknown := [name for name in names if name not in known]:
                raise InvalidInteraction("shopper", f"{unknown[0]!r}: expected the primary key of a user.")


def _store(batch: Batch, products: dict[str, int], shoppers: Shoppers, result: ImportResult) -> None:
    names = ("shopper", "product", "time", "kind", "quantity", "query", "order")
    columns = [batch.column(name) for name in names]
    shoppers.find(columns[0])
    new = _Columns()
    times: dict[tuple[str, str], int] = {}
    for shopper, product, time, kind, quantity, query, order in zip(*columns, strict=True):
        pk, forgotten_until = shoppers.known[shopper]
        result.read += 1
        if time <= forgotten_until:
            result.forgotten += 1
            continue
        if order:
            time = times.setdefault((shopper, order), time)
            key = key_of_order_line(order, kind, product)
        else:
            key = key_of_row(kind, product, query, time)
        try:
            product_pk = products[product] if product else None
        except KeyError:
            raise UnknownProduct(product) from None
        if not new.add(pk, product_pk, kind, quantity, query, time, key) and order:
            new.add_quantity(pk, key, quantity)
    added = Interaction.objects.insert_new(new.rows())
    result.added += added
    result.repeated = result.read - result.forgotten - result.added


class _Columns:
    """Rows to store, each (shopper's primary key, event key) once."""

    def __init__(self) -> None:
        self.columns: tuple[list[Any], ...] = ([], [], [], [], [], [], [])
        self.place: dict[tuple[int, int], int] = {}

    def add(self, *row: Any) -> bool:
        """Add (shopper, product, kind, quantity, query, seconds, key), unless there is one; whether there was none."""
        count = len(self.place)
        if self.place.setdefault((row[0], row[-1]), count) < count:
            return False
        for column, value in zip(self.columns, row, strict=True):
            column.append(value)
        return True

    def add_quantity(self, pk: int, key: int, quantity: int) -> None:
        """A further line of the same order and product."""
        quantities, place = self.columns[3], self.place[pk, key]
        quantities[place] = min(quantities[place] + quantity, MAX_QUANTITY)

    def rows(self) -> NewInteractions:
        """As the table has them."""
        pks, products, kinds, quantities, queries, seconds, keys = self.columns
        moments = {time: datetime.fromtimestamp(time, UTC) for time in set(seconds)}
        return NewInteractions(
            shopper_id=pks,
            product_id=products,
            kind=kinds,
            source=[int(Interaction.Source.IMPORT)] * len(pks),
            quantity=quantities,
            query=queries,
            occurred_at=[moments[time] for time in seconds],
            list_id=[None] * len(pks),
            event_key=keys,
        )
