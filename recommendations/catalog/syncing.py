"""Keeping the mirror like the shop: in bulk, and one by one as products are saved."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import AutoField
from django.utils import translation

from ..models import Product
from ..models.fresh import again_after_deadlock
from .declaration import Catalog
from .registry import find_products, get_catalogs
from .rows import LeftOut, mistake_in, readable_rows

CHUNK = 1_000
MIRRORED = ("title", "category", "brand", "price", "available")


@dataclass(frozen=True)
class SyncResult:
    """How many rows of the mirror a sync touched, and how many products of the shop it had to leave out."""

    created: int = 0
    updated: int = 0
    unavailable: int = 0  # rows whose product is gone from the shop
    left_out: int = 0  # products of which their catalog can't tell: not recommended

    def __add__(self, other: "SyncResult") -> "SyncResult":
        return SyncResult(
            self.created + other.created,
            self.updated + other.updated,
            self.unavailable + other.unavailable,
            self.left_out + other.left_out,
        )


def sync_catalog(report: Callable[[int, int], None] | None = None) -> SyncResult:
    """Mirror every product of the shop; rows of vanished products become unavailable, none is deleted.

    First all are compared, then those that differ are mirrored, CHUNK of them in a transaction: nothing waits for long,
    and what is saved meanwhile stays. `report(done, total)` is called after each chunk. Raises NotConfigured for a
    catalog of which no product can be read, with its first error; then nothing is changed.
    """
    catalogs = get_catalogs()
    total = sum(catalog.queryset().count() for catalog in catalogs) if report else 0
    seen: set[str] = set()
    differ: list[str] = []
    left_out = LeftOut()
    with _reading(), _in_one_language():
        for catalog in catalogs:
            readable, unreadable = 0, len(left_out)
            for chunk in _chunks(catalog):
                rows = readable_rows(((catalog, product) for product in chunk), left_out)
                differ += _changed(rows, Product.objects.filter(product_id__in=list(rows)))
                seen.update(rows)
                readable += len(rows)
                if report:
                    report(len(seen) - len(differ), total)
            if len(left_out) > unreadable and not readable:
                raise mistake_in(catalog, left_out) from left_out.errors[catalog]
        gone = _not_in(seen)
    settled = _settle(differ, left_out, report, total) + _settle(gone, left_out)
    left_out.tell()
    return replace(settled, left_out=len(left_out))


def _reading() -> AbstractContextManager[object]:
    """In a transaction PostgreSQL hands the rows out one after another, else it would keep them all for the cursor; on
    SQLite one may keep writers out.
    """
    is_postgresql = connections[Product.objects.all().db].vendor == "postgresql"
    return Product.objects.atomic() if is_postgresql else nullcontext()


def _in_one_language() -> AbstractContextManager[object]:
    """Whoever's request or save a product is mirrored in: categories are compared, and some must never be named."""
    return translation.override(settings.LANGUAGE_CODE)


def mirror(product_ids: Collection[str]) -> None:
    """Mirror these products as the shop has them now; those that it has no more become unavailable.

    They are read through their catalog's queryset, so that what it leaves out is left out here too. CHUNK of them are
    mirrored in a transaction.
    """
    left_out = LeftOut()
    _settle(_sorted(product_ids), left_out)
    left_out.tell()


def in_chunks(product_ids: Collection[str]) -> Iterator[list[str]]:
    """As mirror() would take them, CHUNK at a time: for whoever goes on after one that fails."""
    return _parts(_sorted(product_ids))


def _sorted(product_ids: Collection[str]) -> list[str]:
    """In one order in every process: of two that insert the same new products each could wait for the other's."""
    return sorted(product_ids, key=_in_order)


def _parts(product_ids: list[str]) -> Iterator[list[str]]:
    return (product_ids[start : start + CHUNK] for start in range(0, len(product_ids), CHUNK))


def _in_order(product_id: str) -> tuple[int, str]:
    """So that of numbers, of which the shop gives out the greatest last, 10 comes after 9."""
    return len(product_id), product_id


def _settle(
    product_ids: list[str], left_out: LeftOut, report: Callable[[int, int], None] | None = None, total: int = 0
) -> SyncResult:
    settled, waiting = SyncResult(), len(product_ids)
    for part in _parts(product_ids):
        # sync_catalog() inserts in the order of the shop, which says what is newest, and mirror() in another.
        settled += again_after_deadlock(partial(_mirror, part, left_out))
        waiting -= len(part)
        if report:
            report(total - waiting, total)
    return settled


def _mirror(product_ids: Collection[str], left_out: LeftOut) -> SyncResult:
    """The shop is read once the rows are locked: of two who mirror a product, who writes last has read last."""
    known = Product.objects.primary_keys(product_ids)
    with Product.objects.atomic_writing():
        created = _add([product_id for product_id in product_ids if product_id not in known], left_out)
        locked = Product.objects.locked(product_ids)
        rows = _rows(product_ids, left_out)
        changed = _changed(rows, locked)
        Product.objects.bulk_create(
            [rows[product_id] for product_id in changed],
            update_conflicts=True,
            unique_fields=["product_id"],
            update_fields=MIRRORED,
        )
        gone = [row.product_id for row in locked if row.available and row.product_id not in rows]
        Product.objects.filter(product_id__in=gone).update(available=False)
        Product.objects.stamp({*created, *changed, *gone})
    return SyncResult(len(created), len(set(changed) - created), sum(name not in left_out for name in gone))


def _add(product_ids: Collection[str], left_out: LeftOut) -> set[str]:
    """Insert those that the shop has, in this order, so that there are rows to lock; another process may be first."""
    rows = _rows(product_ids, left_out) if product_ids else {}
    Product.objects.bulk_create([rows[name] for name in product_ids if name in rows], ignore_conflicts=True)
    return set(rows)


def _rows(product_ids: Collection[str], left_out: LeftOut) -> dict[str, Product]:
    """Rows by product_id, of those asked for alone: others, as what a variant was made part of, are not locked."""
    asked = set(product_ids)
    with _in_one_language():
        rows = readable_rows(find_products(product_ids), left_out)
    return {product_id: row for product_id, row in rows.items() if product_id in asked}


def _changed(rows: dict[str, Product], stored: Iterable[Product]) -> list[str]:
    """Which of them the mirror has otherwise, or not at all."""
    mirrored = {row.product_id: _mirrored(row) for row in stored}
    return [product_id for product_id, row in rows.items() if mirrored.get(product_id) != _mirrored(row)]


def _mirrored(row: Product) -> list[Any]:
    return [getattr(row, name) for name in MIRRORED]


def _chunks(catalog: Catalog) -> Iterator[list[Any]]:
    products = catalog.queryset()
    if isinstance(products.model._meta.pk, AutoField):
        # The mirror's order says which are newest: a shop's own may put the newest first.
        products = products.order_by("pk")
    rows = products.iterator(chunk_size=CHUNK)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _not_in(seen: set[str]) -> list[str]:
    """What the mirror still has for available and the shop has no more."""
    mirrored = Product.objects.filter(available=True).order_by("pk").values_list("product_id", flat=True)
    return [product_id for product_id in mirrored.iterator() if product_id not in seen]
