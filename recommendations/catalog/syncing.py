"""Keeping the mirror like the shop: in bulk, and one by one as products are saved."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils import timezone

from ..exceptions import NotConfigured
from ..models import Product
from ..models.product import MAX_PRODUCT_ID
from .registry import Catalog, get_catalog

CHUNK = 1_000
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
    catalog = get_catalog()
    products = catalog.queryset()
    total = products.count() if report else 0
    seen: set[str] = set()
    created = updated = 0
    with transaction.atomic():
        for chunk in _chunks(products.iterator(chunk_size=CHUNK)):
            rows = {row.product_id: row for row in (_row(catalog, product) for product in chunk)}
            new, changed = _store(rows)
            created, updated = created + new, updated + changed
            seen.update(rows)
            if report:
                report(len(seen), total)
        unavailable = _retire(seen)
    return SyncResult(created, updated, unavailable)


def mirror(product: Any) -> None:
    """Mirror one product of the shop's now."""
    row = _row(get_catalog(), product)
    _store({row.product_id: row})


def retire(product_id: str) -> None:
    """The shop has deleted this product: its row stays, as unavailable."""
    Product.objects.filter(product_id=product_id).update(available=False, updated_at=timezone.now())


def _chunks(products: Iterator[Any]) -> Iterator[list[Any]]:
    while chunk := list(islice(products, CHUNK)):
        yield chunk


def _row(catalog: Catalog, product: Any) -> Product:
    product_id = catalog.product_id(product)
    if not 0 < len(product_id) <= MAX_PRODUCT_ID:
        raise NotConfigured(
            f"{type(catalog).__name__}.product_id gave {product_id!r}: expected 1 to {MAX_PRODUCT_ID} characters."
        )
    return Product(
        product_id=product_id,
        title=catalog.title(product),
        category=[str(part) for part in catalog.category(product)],
        brand=catalog.brand(product),
        price=catalog.price(product),
        available=catalog.is_available(product),
    )


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
