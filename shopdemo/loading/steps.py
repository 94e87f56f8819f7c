"""What `load_demo` does, step by step; each is all or nothing and remembered: a second run does what is missing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.models import ProductPopularity

from ..journey import Journey, read_journey
from ..models import FinishedLoad, Household, Product
from .households import described_households
from .purchases import store_purchases

# (what is being done, rows done, rows in all)
Report = Callable[[str, int, int], None]

PRODUCTS, CATALOG, PURCHASES, HOUSEHOLDS, POPULARITY = "products", "catalog", "purchases", "households", "popularity"
STEPS = (PRODUCTS, CATALOG, PURCHASES, HOUSEHOLDS, POPULARITY)


def load_everything(report: Report) -> dict[str, int]:
    """Load what is missing; returns the rows of each step. An interrupted step left nothing and is done again."""
    done = dict(FinishedLoad.objects.values_list("step", "rows"))
    if all(step in done for step in STEPS):
        return done
    report("Reading a year of purchases", 0, 1)
    journey = read_journey()
    report("Reading a year of purchases", 1, 1)
    shift = journey.shift_to(datetime.now(UTC))
    work: dict[str, Callable[[], int]] = {
        PRODUCTS: lambda: _load_products(journey, report),
        CATALOG: lambda: _load_catalog(report),
        PURCHASES: lambda: _load_purchases(journey, shift, report),
        HOUSEHOLDS: lambda: _load_households(journey, report),
        POPULARITY: lambda: _count_popularity(report),
    }
    for step in STEPS:
        if step not in done:
            with transaction.atomic():
                done[step] = work[step]()
                FinishedLoad.objects.create(step=step, rows=done[step])
    return done


def _load_products(journey: Journey, report: Report) -> int:
    households = journey.households
    rows = [
        Product(
            name=name,
            title=label.title,
            size=label.size,
            store_brand=label.store_brand,
            shelf=label.shelf.slug,
            emoji=label.emoji,
            price=journey.prices[name],
            households=int(households[name]),
        )
        for name, label in sorted(journey.labels.items())
    ]
    report("Filling the shelves", 0, len(rows))
    Product.objects.bulk_create(rows, batch_size=2_000, ignore_conflicts=True)
    report("Filling the shelves", len(rows), len(rows))
    return len(rows)


def _load_catalog(report: Report) -> int:
    sync_catalog(lambda done, total: report("Telling the recommender what the shop sells", done, total))
    return Product.objects.count()


def _load_purchases(journey: Journey, shift: timedelta, report: Report) -> int:
    keys = {name: str(pk) for name, pk in Product.objects.values_list("name", "pk")}
    return store_purchases(journey.lines, keys, shift, lambda d, t: report("Importing the purchases", d, t))


def _load_households(journey: Journey, report: Report) -> int:
    rows = described_households(journey)
    report("Meeting the households", 0, len(rows))
    Household.objects.bulk_create(rows, batch_size=2_000, ignore_conflicts=True)
    report("Meeting the households", len(rows), len(rows))
    return len(rows)


def _count_popularity(report: Report) -> int:
    report("Counting what is popular", 0, 1)
    counted = ProductPopularity.objects.count_again(timezone.now())
    report("Counting what is popular", 1, 1)
    return counted
