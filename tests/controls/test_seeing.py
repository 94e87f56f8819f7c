"""Of how many products the shop's own code is asked at once for the shopper's pages and the export."""

import pytest

from recommendations import controls
from recommendations.capture import record
from recommendations.catalog import sync_catalog
from recommendations.controls import seeing
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Shopper
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def anna(db):
    """Viewed seven books, as her browser says."""
    shopper = Shopper.objects.create(external_id="anna")
    books = [Book.objects.create(name=f"Book {k}") for k in range(7)]
    sync_catalog()
    for book in books:
        record(shopper, Kind.VIEW, book)
    Interaction.objects.update(source=Interaction.Source.BEACON)
    return shopper


@pytest.fixture
def asked(monkeypatch):
    """How many products each call of cards() was about."""
    counts, cards = [], BookCatalog.cards

    def counted(catalog, product_ids, request):
        counts.append(len(product_ids))
        return cards(catalog, product_ids, request)

    monkeypatch.setattr(BookCatalog, "cards", counted)
    return counts


def test_cards_of_an_export_are_asked_for_once_in_parts(anna, asked, monkeypatch):
    monkeypatch.setattr(seeing, "AT_ONCE", 3)
    told = controls.export(anna, None)
    assert sorted(row["title"] for row in told["interactions"]) == [f"Book {k}" for k in range(7)]
    assert [one["products"] for one in told["interests"]] == [7]
    assert asked == [3, 3, 1]


def test_no_card_is_made_to_count_interests_in_what_is_told_anyway(anna, asked):
    Interaction.objects.update(source=Interaction.Source.SERVER)
    assert [one.products for one in controls.interests_of(anna)] == [7]
    assert asked == []


def test_nothing_is_asked_where_nothing_was_met(anna, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert controls.interests_of(Shopper(pk=0)) == []
    with django_assert_num_queries(0):
        assert controls.seen_by(anna, [], None) == {}


def test_an_export_is_made_where_a_card_fails(anna, settings, monkeypatch):
    settings.RECOMMENDATIONS = {"STRICT": False}
    settings.DEBUG = False

    def fail(*_):
        raise ValueError("the price service is away")

    monkeypatch.setattr(BookCatalog, "card", fail)
    told = controls.export(anna, None)
    assert {row["title"] for row in told["interactions"]} == {"A product that is not shown now"}
    assert told["interests"] == []
