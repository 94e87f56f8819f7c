"""Made interactions: 50 of each shopper, over two years, with products of a long-tailed popularity."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper

EVENTS = 50
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (2023, 2025))
CHUNK = 500_000  # rows made at once


@dataclass(frozen=True, eq=False)
class Rows:
    """Columns of equal length; `shopper` is a number from 0, `product` a primary key."""

    shopper: np.ndarray
    product: np.ndarray
    kind: np.ndarray
    time: np.ndarray

    def __len__(self) -> int:
        return len(self.shopper)

    @property
    def shoppers(self) -> int:
        return int(self.shopper.max()) + 1

    def __iter__(self) -> Iterator[tuple[int, int, int, int]]:
        return zip(*(column.tolist() for column in vars(self).values()), strict=True)


def make_products(count: int) -> list[int]:
    """Fill the mirror; primary keys of the products, whose ids are the same numbers as text."""
    made = (
        Product(pk=k, product_id=str(k), title=f"Product {k}", category=["All", f"Shelf {k % 500}"])
        for k in range(1, count + 1)
    )
    return [product.pk for product in Product.objects.bulk_create(made, batch_size=5_000)]


def made_rows(count: int, products: list[int], first_shopper: int = 0, seed: int = 0) -> Rows:
    """`count` rows; nobody does the same thing twice in one second."""
    rng = np.random.default_rng(seed + first_shopper)
    shopper = first_shopper + np.arange(count) // EVENTS
    weight = 1 / np.arange(10, len(products) + 10)
    product = np.asarray(products)[rng.choice(len(products), count, p=weight / weight.sum())]
    kind = rng.choice([Kind.VIEW, Kind.ADD_TO_CART, Kind.PURCHASE], count, p=[0.7, 0.1, 0.2])
    # A time that grows within a shopper, as logs of the past do.
    step = (LAST - FIRST) // EVENTS
    time = FIRST + np.arange(count) % EVENTS * step + rng.integers(0, step, count)
    return Rows(shopper, product, kind, time)


def write_csv(chunks: Iterator[Rows] | list[Rows], file: Path) -> None:
    """The file that import_interactions reads."""
    names = {int(kind): kind.name.lower() for kind in Kind}
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(("shopper", "product", "kind", "occurred_at", "quantity"))
        for rows in chunks:
            for shopper, product, kind, time in rows:
                writer.writerow((f"s{shopper}", product, names[kind], datetime.fromtimestamp(time, UTC).isoformat(), 1))


def make_shoppers(count: int) -> dict[int, int]:
    """Number -> primary key of shoppers s0, s1, ..., made where they are missing."""
    Shopper.objects.bulk_create(
        (Shopper(external_id=f"s{k}") for k in range(count)), batch_size=5_000, ignore_conflicts=True
    )
    found = Shopper.objects.filter(external_id__isnull=False).values_list("external_id", "pk")
    return {int(name[1:]): pk for name, pk in found}


def empty(shoppers_too: bool = False) -> int:
    """Nothing stored; returns 0."""
    from django.db import connection

    tables = [Interaction._meta.db_table, *([Shopper._meta.db_table] if shoppers_too else [])]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY CASCADE")
    return 0
