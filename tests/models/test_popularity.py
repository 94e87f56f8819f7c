from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPopularity, RemovedProduct, Shopper
from recommendations.models.teaching import customers

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
Source = Interaction.Source


@pytest.fixture
def products(db):
    return [Product.objects.create(product_id=key, title=key) for key in "abcd"]


@pytest.fixture
def shoppers(db):
    return Shopper.objects.bulk_create(Shopper(external_id=str(k)) for k in range(8))


def did(shopper, product, days_ago=1, kind=Kind.PURCHASE, source=Source.SERVER):
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
    rows = ProductPopularity.objects.values_list("product__product_id", "recent_shoppers", "shoppers")
    return {product_id: (recent, total) for product_id, recent, total in rows}


def test_shoppers_are_counted_not_events(products, shoppers):
    for _ in range(3):
        did(shoppers[0], products[0])
    did(shoppers[1], products[0], days_ago=30)
    assert counted() == {"a": (1, 2)}


def test_a_week_ago_is_not_this_week(products, shoppers):
    did(shoppers[0], products[0], days_ago=7)
    did(shoppers[0], products[1], days_ago=6.9)
    assert counted() == {"a": (0, 1), "b": (1, 1)}


def test_what_only_browsers_say_is_no_fact_of_this_week(products, shoppers):
    for shopper in shoppers:
        did(shopper, products[0], kind=Kind.VIEW, source=Source.BEACON)
    assert counted() == {"a": (0, 8)}


def test_removed_and_returned_do_not_count(products, shoppers):
    did(shoppers[0], products[0])
    RemovedProduct.objects.create(shopper=shoppers[0], product=products[0], removed_at=NOW)
    did(shoppers[1], products[1], kind=Kind.RETURN)
    assert counted() == {}


def test_whoever_opted_out_does_not_count(products, shoppers):
    for shopper in shoppers[:2]:
        did(shopper, products[0])
    Shopper.objects.filter(pk=shoppers[0].pk).update(personalised=False)
    assert counted() == {"a": (1, 1)}


def test_counting_again_replaces_what_was_counted(products, shoppers):
    did(shoppers[0], products[0])
    assert counted() == counted() == {"a": (1, 1)}


def test_ranked_by_this_week_then_by_all_and_only_what_can_be_bought(products, shoppers):
    for shopper in shoppers[:3]:
        did(shopper, products[1], days_ago=30)
    did(shoppers[0], products[0])
    did(shoppers[0], products[2])
    did(shoppers[1], products[2], days_ago=30)
    did(shoppers[0], products[3])
    Product.objects.filter(pk=products[3].pk).update(available=False)
    counted()
    assert [row.product.product_id for row in ProductPopularity.objects.ranked(10)] == ["c", "a", "b"]


@pytest.mark.parametrize(("shoppers_this_week", "hours", "expected"), [(5, 0, True), (4, 0, False), (5, 25, False)])
def test_popular_this_week_needs_five_shoppers_and_a_fresh_count(shoppers_this_week, hours, expected):
    row = ProductPopularity(recent_shoppers=shoppers_this_week, shoppers=9, counted_at=NOW - timedelta(hours=hours))
    assert row.is_popular_this_week(NOW) is expected


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_who_count_at_once_both_end_well(products, shoppers):
    for shopper in shoppers:
        for product in products:
            did(shopper, product)

    def count_often():
        try:
            return [ProductPopularity.objects.count_again(NOW) for _ in range(15)]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert [found.result() for found in [pool.submit(count_often) for _ in range(4)]] == [[4] * 15] * 4
    assert counted() == dict.fromkeys("abcd", (8, 8))


def test_customers_are_found_without_reading_all_purchases_for_each(db):
    asked = str(customers().query)
    assert "EXISTS(SELECT 1" in asked
    assert " IN (SELECT" not in asked
