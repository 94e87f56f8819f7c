"""Clean rows into the log, many at a time."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from hashlib import blake2b
from itertools import repeat
from typing import Any

import numpy as np
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from ..conf import get_config
from ..exceptions import InvalidInteraction, UnknownProduct
from ..ml.kinds import Kind
from ..models import Interaction, Product, Shopper
from ..models.fresh import again_after_deadlock
from ..models.inserting import NewInteractions
from .keys import key_of_order_line, key_of_row

SEARCH = int(Kind.SEARCH)
# The kinds of which an order has lines; whatever else names one, as a session perhaps, is a row of its own.
ORDERED = (int(Kind.PURCHASE), int(Kind.RETURN))
Refuse = Callable[[list[int]], None]
MAX_QUANTITY = 2**31 - 1  # what the column holds


@dataclass(frozen=True)
class Batch:
    """Columns of equal length (lists or numpy arrays); a single value stands for a column of it.

    `order` names the order that a purchase or return belongs to. Lines of one order that stand together share the time
    of the first of them, and those of one product are one interaction with the sum of their quantities; a batch must
    hold them all.
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
    batches: Iterable[Batch],
    products: dict[str, int],
    report: Callable[[int], None] | None,
    shoppers_are_users: bool,
    refuse: Refuse | None = None,
    dry_run: bool = False,
) -> ImportResult:
    """import_rows() with the products that its caller has read.

    `refuse` is told the places, in the batch that was stored last, of rows left out since their user does not exist.
    A dry run rolls each batch back, for a long transaction would keep others waiting; it remembers the rows that it
    has met, about 100 bytes each.
    """
    result, met = ImportResult(), set[bytes]() if dry_run else None
    for batch in batches:
        stored = again_after_deadlock(partial(_in_one_transaction, batch, products, shoppers_are_users, refuse, met))
        if met is not None:
            met |= stored.met
        read = len(batch) - len(stored.unknown)
        result.read += read
        result.added += stored.added
        result.forgotten += stored.forgotten
        result.repeated += read - stored.added - stored.forgotten
        if refuse and stored.unknown:
            refuse(stored.unknown)
        if report:
            report(result.read)
    return result


def _in_one_transaction(
    batch: Batch, products: dict[str, int], shoppers_are_users: bool, refuse: Refuse | None, met: set[bytes] | None
) -> "_Stored":
    with Interaction.objects.atomic_writing():
        # Asked anew for each batch: an import takes minutes, in which shoppers may have everything erased, and
        # removals be purged.
        stored = _store(batch, products, Shoppers(shoppers_are_users), met)
        if stored.unknown and refuse is None:
            name = batch.column("shopper")[stored.unknown[0]]
            raise InvalidInteraction("shopper", f"{name!r}: expected the primary key of a user.")
        if met is not None:
            transaction.set_rollback(True, using=Interaction.objects.db)
    return stored


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
            if missing := self._existing([name for name in part if name not in self.known]):
                made = [Shopper(**{self.field: name}) for name in missing]
                Shopper.objects.bulk_create(made, ignore_conflicts=True)
                self._read(missing)

    def _read(self, names: Sequence[str]) -> None:
        rows = Shopper.objects.filter(**{f"{self.field}__in": names})
        for name, pk, personalised, erased_at in rows.values_list(self.field, "pk", "personalised", "erased_at"):
            until = max(erased_at.timestamp(), self.too_old) if erased_at else self.too_old
            self.known[str(name)] = pk, until if personalised else float("inf")

    def _existing(self, names: Sequence[str]) -> list[str]:
        """Those of whom a row may be made: anybody but users who do not exist."""
        if self.field != "user_id" or not names:
            return list(names)
        users = {str(key) for key in get_user_model()._default_manager.in_bulk(names)}
        return [name for name in names if name in users]


def order_of(shopper: str, kind: int, order: str) -> tuple[str, str] | None:
    """What the lines of one order have in common; None for a row by itself."""
    return (shopper, order) if order and kind in ORDERED else None


@dataclass
class _Run:
    """Lines of one order that stand together."""

    order: tuple[str, str] | None = None
    times: dict[int, int] = field(default_factory=dict)  # kind -> time of the first
    keys: set[int] = field(default_factory=set)


@dataclass
class _Stored:
    """What became of a batch."""

    added: int = 0
    forgotten: int = 0
    unknown: list[int] = field(default_factory=list)  # places of rows whose user does not exist
    met: set[bytes] = field(default_factory=set)  # digests of its rows, for a dry run


def _store(batch: Batch, products: dict[str, int], shoppers: Shoppers, met: set[bytes] | None) -> _Stored:
    names = ("shopper", "product", "time", "kind", "quantity", "query", "order")
    columns = [batch.column(name) for name in names]
    shoppers.find(columns[0])
    stored, new, run = _Stored(), _Columns(), _Run()
    for place, (shopper, product, time, kind, quantity, query, order) in enumerate(zip(*columns, strict=True)):
        if (mine := order_of(shopper, kind, order)) != run.order:
            run = _Run(mine)
        if shopper not in shoppers.known:
            stored.unknown.append(place)
            continue
        pk, forgotten_until = shoppers.known[shopper]
        if time <= forgotten_until:
            stored.forgotten += 1
            continue
        query = query if kind == SEARCH else ""
        if mine:
            time = run.times.setdefault(kind, time)
            key = key_of_order_line(order, kind, product)
        else:
            key = key_of_row(kind, product, query, time)
        try:
            product_pk = products[product] if product else None
        except KeyError:
            raise UnknownProduct(product) from None
        if met is not None:
            digest = blake2b(f"{key}\x1f{shopper}".encode(), digest_size=16).digest()
            stored.met.add(digest)
            if digest in met:
                continue
        if new.add(pk, product_pk, kind, quantity, query, time, key):
            run.keys.add(key)
        elif key in run.keys and mine:
            new.add_quantity(pk, key, quantity)
    stored.added = Interaction.objects.insert_new(new.rows())
    return stored


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
        """As the table has them, by shopper and time and else as they came.

        In one order, whatever that of the file: of two imports that insert the same rows each could wait for the other.
        """
        order = np.lexsort((self.columns[5], self.columns[0])).tolist()
        sorted_columns = ([column[place] for place in order] for column in self.columns)
        pks, products, kinds, quantities, queries, seconds, keys = sorted_columns
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
