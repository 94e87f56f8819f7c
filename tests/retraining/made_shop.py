"""A small shop whose shoppers walk along its shelf: book 1, then book 2, then book 3, with some jumps."""

import random
from datetime import UTC, datetime, timedelta

from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, Shopper
from tests.shop.models import Book

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
# Fits in seconds; a lead over the baselines is not asked for.
QUICK = {"steps": 30, "shoppers_needed": 10, "standard_errors": -1000.0, "width": 16}


def make_shop(books: int = 40, shoppers: int = 120, events: int = 12, seed: int = 0) -> None:
    """Fill an empty database."""
    draw = random.Random(seed)
    Book.objects.bulk_create(Book(name=f"Book {k}", shelf=f"Shelf {k // 10}") for k in range(1, books + 1))
    sync_catalog()
    keys = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    made = Shopper.objects.bulk_create(Shopper(external_id=f"shopper {k}") for k in range(shoppers))
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product_id=keys[place % books],
            kind=Kind.PURCHASE if age % 3 else Kind.VIEW,
            source=Interaction.Source.IMPORT,
            occurred_at=BEGIN + timedelta(days=age, minutes=number),
            event_key=age,
        )
        for number, shopper in enumerate(made)
        for age, place in enumerate(_walk(draw, books, events))
    )


def _walk(draw: random.Random, books: int, events: int) -> list[int]:
    place, walk = draw.randrange(books), []
    for _ in range(events):
        place += 1 if draw.random() < 0.8 else draw.randrange(books)
        walk.append(place)
    return walk
