"""Keeping the mirror like the shop: in bulk, and one by one as products are saved."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from django.utils import timezone

from ..exceptions import NotConfigured
from ..models import Product
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

    created: int
    updated: int
    unavailable: int  # rows whose product is gone from the shop


def sync_catalog(report: Callable[[int, int], None] | None = None) -> SyncResult:
    """Mirror every product of the shop; rows of vanished products become unavailable, none is deleted.

    `report(done, total)` is called after each chunk. All or nothing.
    """
    catalogs = get_catalogs()
    total = sum(catalog.queryset().count() for catalog in catalogs) if report else 0
    seen: set[str] = set()
    created = updated = 0
    with Product.objects.atomic():
        for catalog, chunk in _chunks(catalogs):
            rows = {row.product_id: row for row in (_row(catalog, product) for product in chunk)}
            new, changed = _store(rows)
            created, updated = created + new, updated + changed
            seen.update(rows)
            if report:
                report(len(seen), total)
        unavailable = _retire(seen)
    return SyncResult(created, updated, unavailable)


def mirror(product_ids: Collection[str]) -> None:
    """Mirror these products as the shop has them now; those that it has no more become unavailable.

    They are read through their catalog's queryset, so that what it leaves out is left out here too.
    """
    rows = {row.product_id: row for row in (_row(*found) for found in find_products(product_ids))}
    _store(rows)
    gone = Product.objects.filter(product_id__in=set(product_ids) - rows.keys(), available=True)
    gone.update(available=False, updated_at=timezone.now())


def _chunks(catalogs: Iterable[Catalog]) -> Iterator[tuple[Catalog, list[Any]]]:
    for catalog in catalogs:
        products = catalog.queryset().iterator(chunk_size=CHUNK)
        while chunk := list(islice(products, CHUNK)):
            yield catalog, chunk


def _row(catalog: Catalog, product: Any) -> Product:
    product_id = catalog.product_id(product)
    if not 0 < len(product_id) <= MAX_PRODUCT_ID or not is_storable(product_id):
        raise NotConfigured(
            f"{type(catalog).__name__}.product_id gave {product_id[:MAX_PRODUCT_ID]!r}: expected 1 to "
            f"{MAX_PRODUCT_ID} characters, none of them NUL or half of a pair."
        )
    if catalogs_of([product_id]) != [catalog]:
        raise NotConfigured(
            f"{type(catalog).__name__}.product_id gave {product_id!r}, which reads as the id of another registered "
            f'model: add a prefix of its own to {type(catalog).__name__}, as in prefix = "{catalog.name}".'
        )
    return Product(
        product_id=product_id,
        title=_words(catalog.title(product)),
        category=[_words(part) for part in catalog.category(product)],
        brand=_words(catalog.brand(product)),
        price=_price(catalog.price(product)),
        available=catalog.is_available(product),
    )


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


def _store(rows: dict[str, Product]) -> tuple[int, int]:
    known = {row.product_id: row for row in Product.objects.filter(product_id__in=list(rows))}
    new = [row for product_id, row in rows.items() if product_id not in known]
    changed = []
    for product_id, stored in known.items():
        if any(getattr(stored, name) != getattr(rows[product_id], name) for name in MIRRORED):
            for name in MIRRORED:
                setattr(stored, name, getattr(rows[product_id], name))
            stored.updated_at = timezone.now()
            changed.append(stored)
    # Two saves at once may both see "new": the second insert becomes an update.
    Product.objects.bulk_create(
        new, update_conflicts=True, unique_fields=["product_id"], update_fields=[*MIRRORED, "updated_at"]
    )
    Product.objects.bulk_update(changed, [*MIRRORED, "updated_at"], batch_size=CHUNK)
    return len(new), len(changed)


def _retire(seen: set[str]) -> int:
    mirrored = Product.objects.filter(available=True).values_list("pk", "product_id")
    gone = [pk for pk, product_id in mirrored.iterator() if product_id not in seen]
    for start in range(0, len(gone), CHUNK):
        Product.objects.filter(pk__in=gone[start : start + CHUNK]).update(available=False, updated_at=timezone.now())
    return len(gone)
