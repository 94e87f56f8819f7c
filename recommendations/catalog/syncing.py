"""Keeping the mirror like the shop: in bulk, and one by one as products are saved."""

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import connections
from django.db.models import AutoField
from django.utils import translation

from ..conf import get_config
from ..exceptions import NotConfigured
from ..logs import log
from ..models import Product
from ..models.fresh import again_after_deadlock
from ..models.product import MAX_PRODUCT_ID
from ..models.texts import is_storable, storable
from .declaration import Catalog
from .registry import catalogs_of, find_products, get_catalogs

CHUNK = 1_000
# What a person wrote is shorter; what is longer is cut, in the mirror only.
MOST_LETTERS = 2_000
# As the column has them.
PRICE_STEP, MOST_PRICE = Decimal("0.0001"), 10**10
MIRRORED = ("title", "category", "brand", "price", "available")


@dataclass(frozen=True)
class SyncResult:
    """How many rows of the mirror a sync touched."""

    created: int = 0
    updated: int = 0
    unavailable: int = 0  # rows whose product is gone from the shop

    def __add__(self, other: "SyncResult") -> "SyncResult":
        return SyncResult(
            self.created + other.created, self.updated + other.updated, self.unavailable + other.unavailable
        )


def sync_catalog(report: Callable[[int, int], None] | None = None) -> SyncResult:
    """Mirror every product of the shop; rows of vanished products become unavailable, none is deleted.

    First all are compared, then those that differ are mirrored, CHUNK of them in a transaction: nothing waits for long,
    and what is saved meanwhile stays. `report(done, total)` is called after each chunk. A catalog of which no product
    can be read has a mistake: its first error is raised, and nothing is changed.
    """
    catalogs = get_catalogs()
    total = sum(catalog.queryset().count() for catalog in catalogs) if report else 0
    seen: set[str] = set()
    differ: list[str] = []
    with _reading(), _in_one_language():
        for catalog in catalogs:
            readable, errors = 0, list[Exception]()
            for chunk in _chunks(catalog):
                rows, left_out = _readable((catalog, product) for product in chunk)
                differ += _changed(rows, Product.objects.filter(product_id__in=list(rows)))
                seen.update(rows)
                readable, errors = readable + len(rows), errors or left_out
                if report:
                    report(len(seen) - len(differ), total)
            if errors and not readable:
                raise errors[0]
        gone = _not_in(seen)
    return _settle(differ, report, total) + _settle(gone)


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
    # In one order in every process: of two that insert the same new products each could wait for the other's.
    _settle(sorted(product_ids))


def _settle(product_ids: list[str], report: Callable[[int, int], None] | None = None, total: int = 0) -> SyncResult:
    settled = SyncResult()
    for start in range(0, len(product_ids), CHUNK):
        # sync_catalog() inserts in the order of the shop, which says what is newest, and mirror() in another.
        settled += again_after_deadlock(partial(_mirror, product_ids[start : start + CHUNK]))
        if report:
            report(total - max(0, len(product_ids) - start - CHUNK), total)
    return settled


def _mirror(product_ids: Collection[str]) -> SyncResult:
    """The shop is read once the rows are locked: of two who mirror a product, who writes last has read last."""
    known = Product.objects.primary_keys(product_ids)
    with Product.objects.atomic_writing():
        created = _add([product_id for product_id in product_ids if product_id not in known])
        locked = Product.objects.locked(product_ids)
        rows = _rows(product_ids)
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
    return SyncResult(len(created), len(set(changed) - created), len(gone))


def _add(product_ids: Collection[str]) -> set[str]:
    """Insert those that the shop has, in this order, so that there are rows to lock; another process may be first."""
    rows = _rows(product_ids) if product_ids else {}
    Product.objects.bulk_create([rows[name] for name in product_ids if name in rows], ignore_conflicts=True)
    return set(rows)


def _rows(product_ids: Collection[str]) -> dict[str, Product]:
    """Rows by product_id, of those asked for alone: others, as what a variant was made part of, are not locked."""
    asked = set(product_ids)
    with _in_one_language():
        rows, _ = _readable(find_products(product_ids))
    return {product_id: row for product_id, row in rows.items() if product_id in asked}


def _readable(products: Iterable[tuple[Catalog, Any]]) -> tuple[dict[str, Product], list[Exception]]:
    """Rows by product_id, and the errors of those left out. A product that its catalog can't tell of, or without an id
    that can be kept, is left out and logged, or with RECOMMENDATIONS["STRICT"] the error is raised: one of them must
    not keep all others from being mirrored. A failure of the database is no product's, and always raised.
    """
    rows: dict[str, Product] = {}
    left_out: list[Exception] = []
    for catalog, product in products:
        try:
            row = _row(catalog, product)
        except DatabaseFailure:
            raise
        except Exception as error:
            if get_config().STRICT:
                raise
            left_out.append(error)
        else:
            rows[row.product_id] = row
    if left_out:
        log("products_left_out", left_out[0], count=len(left_out))
    return rows, left_out


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


def _row(catalog: Catalog, product: Any) -> Product:
    product_id = catalog.product_id(product)
    if not 0 < len(product_id) <= MAX_PRODUCT_ID or not is_storable(product_id):
        raise NotConfigured(
            f"{type(catalog).__name__}.product_id gave {product_id[:MAX_PRODUCT_ID]!r} for the product with the "
            f"primary key {product.pk!r}: expected 1 to {MAX_PRODUCT_ID} characters, none of them NUL or half of a "
            "pair."
        )
    if catalogs_of([product_id]) != [catalog]:
        raise NotConfigured(
            f"{type(catalog).__name__}.product_id gave {product_id!r}, which reads as the id of another registered "
            f'model: add a prefix of its own to {type(catalog).__name__}, as in prefix = "{catalog.name}".'
        )
    return Product(
        product_id=product_id,
        title=_words(catalog.title(product)),
        category=_category(catalog, product),
        brand=_words(catalog.brand(product)),
        price=_price(catalog.price(product)),
        available=bool(catalog.is_available(product)),
    )


def _category(catalog: Catalog, product: Any) -> list[str]:
    path = catalog.category(product)
    if isinstance(path, str):  # a path of letters, none of which is in SENSITIVE_CATEGORIES
        raise NotConfigured(
            f"{type(catalog).__name__}.category gave the text {path[:MAX_PRODUCT_ID]!r}: "
            "return a path, as in [product.category]."
        )
    return [_words(part) for part in path]


def _words(text: Any) -> str:
    return "" if text is None else storable(str(text), MOST_LETTERS)


def _price(price: Any) -> Decimal | None:
    """The price as the mirror keeps it; None for what is no price: one odd product must not stop a whole sync."""
    if price is None:
        return None
    try:
        kept = Decimal(price).quantize(PRICE_STEP)
        return kept if 0 <= kept < MOST_PRICE else None
    except (ArithmeticError, TypeError, ValueError):
        return None


def _not_in(seen: set[str]) -> list[str]:
    """What the mirror still has for available and the shop has no more."""
    mirrored = Product.objects.filter(available=True).order_by("pk").values_list("product_id", flat=True)
    return [product_id for product_id in mirrored.iterator() if product_id not in seen]
