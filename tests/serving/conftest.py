from datetime import timedelta

import pytest
from django.utils import timezone

from recommendations.catalog import sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPopularity, Shopper
from recommendations.publishing import forget
from tests.published import publish_made_artifact
from tests.shop.models import Book, keys_by_chance


@pytest.fixture(autouse=True)
def _nothing_loaded():
    forget()
    yield
    forget()


@pytest.fixture
def books(db):
    """Sixty books on three shelves, mirrored."""
    shelves = ("Novels", "Cooking", "Travel")
    made = Book.objects.bulk_create(
        Book(**keys_by_chance(k), name=f"Book {k}", shelf=shelves[k % 3], price=5 + k) for k in range(1, 61)
    )
    sync_catalog()
    return made


@pytest.fixture
def version(books):
    return publish_made_artifact()


@pytest.fixture
def products(version):
    return list(Product.objects.order_by("pk"))


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def shopper(db):
    return Shopper.objects.create(external_id="anna")


@pytest.fixture
def did():
    """did(shopper, books, kind, ago): records one event a book, a minute apart, the last one `ago` before now."""

    def record(shopper, books, kind=Kind.VIEW, ago=timedelta(minutes=1)):
        keys = Product.objects.primary_keys(str(book.pk) for book in books)
        now = timezone.now() - ago
        for place, book in enumerate(books):
            Interaction.objects.create(
                shopper=shopper,
                product_id=keys[str(book.pk)],
                kind=kind,
                source=Interaction.Source.SERVER,
                occurred_at=now - timedelta(minutes=len(books) - 1 - place),
                event_key=Interaction.objects.count() + 1,
            )

    return record


@pytest.fixture
def popular(books):
    """Books 1 to 40 are popular, book 1 most."""

    def count(recent=lambda place: 100 - place):
        rows = Product.objects.order_by("pk")[:40]
        ProductPopularity.objects.bulk_create(
            ProductPopularity(
                product=row, recent_shoppers=recent(place), shoppers=200 - place, counted_at=timezone.now()
            )
            for place, row in enumerate(rows)
        )

    count()
    return count
