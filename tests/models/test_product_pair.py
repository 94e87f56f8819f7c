from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError

from recommendations.ml.kinds import Kind
from recommendations.models import (
    Interaction,
    Product,
    ProductPair,
    ProductPopularity,
    RemovedProduct,
    Shopper,
    product_pair,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Source = Interaction.Source


@pytest.fixture
def products(db):
    return [Product.objects.create(product_id=key, title=key) for key in "abcd"]


@pytest.fixture
def shoppers(products):
    """Nine shoppers, of whom the last three bought d alone."""
    made = Shopper.objects.bulk_create(Shopper(external_id=str(k)) for k in range(9))
    for shopper in made[6:]:
        did(shopper, products[3])
    return made


def did(shopper, *products, days_ago=1, kind=Kind.PURCHASE, source=Source.SERVER):
    for product in products:
        Interaction.objects.create(
            shopper=shopper,
            product=product,
            kind=kind,
            source=source,
            occurred_at=NOW - timedelta(days=days_ago),
            event_key=Interaction.objects.count(),
        )


def counted():
    ProductPopularity.objects.count_again(NOW)
    rows = ProductPair.objects.values_list("product__product_id", "other__product_id", "shoppers", "counted_at")
    assert {at for *_, at in rows} <= {NOW}
    return {one + other: count for one, other, count, _ in rows}


def test_shoppers_who_bought_both_are_counted_once_each(products, shoppers):
    for shopper in shoppers[:5]:
        did(shopper, *products[:2], days_ago=100)
        did(shopper, products[1])
    assert counted() == {"ab": 5}


def test_four_shoppers_are_too_few(products, shoppers):
    for shopper in shoppers[:4]:
        did(shopper, *products[:2])
    assert counted() == {}


@pytest.mark.parametrize(
    "other",
    [
        {"days_ago": 180},
        {"days_ago": -1},
        {"kind": Kind.VIEW},
        {"kind": Kind.RETURN},
        {"source": Source.BEACON},
    ],
)
def test_what_is_old_or_no_purchase_or_said_by_a_browser_does_not_count(products, shoppers, other):
    for shopper in shoppers[:5]:
        did(shopper, products[0])
    for shopper in shoppers[:4]:
        did(shopper, products[1])
    did(shoppers[4], products[1], **other)
    assert counted() == {}
    did(shoppers[4], products[1], days_ago=179)
    assert counted() == {"ab": 5}


def test_what_a_shopper_removed_or_keeps_unread_does_not_count(products, shoppers):
    for shopper in shoppers[:6]:
        did(shopper, *products[:2])
    assert counted() == {"ab": 6}
    RemovedProduct.objects.create(shopper=shoppers[0], product=products[1], removed_at=NOW)
    assert counted() == {"ab": 5}
    Shopper.objects.filter(pk=shoppers[1].pk).update(personalised=False)
    assert counted() == {}


def test_of_a_shopper_the_newest_products_count(products, shoppers, monkeypatch):
    monkeypatch.setattr(product_pair, "MOST_BOUGHT", 2)
    for shopper in shoppers[:5]:
        did(shopper, products[2], days_ago=9)
        did(shopper, products[0], days_ago=3)
        did(shopper, products[1], products[1], days_ago=2)
    assert counted() == {"ab": 5}


def test_counting_again_replaces_all_or_nothing(products, shoppers, monkeypatch):
    for shopper in shoppers[:5]:
        did(shopper, *products[:2])
    assert counted() == counted() == {"ab": 5}
    Interaction.objects.all().delete()

    def fail(*_, **__):
        raise DatabaseError("disk full")

    monkeypatch.setattr(type(ProductPopularity.objects.all()), "bulk_create", fail)
    with pytest.raises(DatabaseError):
        ProductPopularity.objects.count_again(NOW)
    assert ProductPair.objects.get().shoppers == 5
    assert ProductPair.objects.counted_at() == NOW
