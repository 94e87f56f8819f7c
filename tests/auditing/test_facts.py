"""Facts are counted again, number by number and word by word."""

from datetime import timedelta

import pytest

from recommendations.auditing.facts import Said, fact_faults, promotion_faults
from recommendations.auditing.reference import Reference
from recommendations.auditing.shopper_audit import ShopperAudit
from recommendations.catalog import Promotion
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPair, ProductPopularity, RemovedProduct, Shopper
from tests.auditing.conftest import popularity, product_ids, shopper_who
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


def test_bought_is_looked_up_again(scorer, now):
    shopper = shopper_who(now, (1, Kind.PURCHASE), (2, Kind.VIEW), (1, Kind.PURCHASE))
    audit = ShopperAudit(Reference(scorer), shopper, now)
    bought, viewed = product_ids()[:2]
    last = now - timedelta(minutes=1)
    assert fact_faults(audit, Said(bought, "bought", last)) == []
    assert fact_faults(audit, Said(bought, "bought", now - timedelta(minutes=3))) != []
    assert fact_faults(audit, Said(viewed, "bought", last)) == [f"{viewed}: bought at {last}, but last bought at None"]
    assert fact_faults(audit, Said(bought, "loved", last)) != []
    RemovedProduct.objects.create(shopper=shopper, product=Product.objects.get(product_id=bought), removed_at=now)
    assert fact_faults(audit, Said(bought, "bought", last)) != []


def test_popular_this_week_is_counted_again(scorer, now):
    popularity(now, {1: 50, 2: 50, 3: 50})
    for _ in range(4):
        shopper_who(now, (1, Kind.VIEW), (2, Kind.VIEW), (2, Kind.PURCHASE), (3, Kind.VIEW))
    forgetful = shopper_who(now, (1, Kind.VIEW), (3, Kind.VIEW))
    shopper_who(now - timedelta(days=8), (2, Kind.VIEW))
    third = Product.objects.get(product_id=product_ids()[2])
    RemovedProduct.objects.create(shopper=forgetful, product=third, removed_at=now)
    paused = shopper_who(now, (2, Kind.VIEW), (3, Kind.VIEW))
    Shopper.objects.filter(pk=paused.pk).update(personalised=False)
    audit = ShopperAudit(Reference(scorer), forgetful, now)
    assert fact_faults(audit, Said(product_ids()[0], "popular_this_week", None)) == []
    for name in product_ids()[1:3]:
        assert fact_faults(audit, Said(name, "popular_this_week", None)) == [f"{name}: 4 shoppers this week"]


def test_what_came_back_was_not_bought(scorer, now):
    shopper = shopper_who(now, (1, Kind.PURCHASE), (2, Kind.VIEW), (1, Kind.RETURN), (3, Kind.VIEW))
    audit = ShopperAudit(Reference(scorer), shopper, now)
    when = Interaction.objects.get(shopper=shopper, kind=Kind.PURCHASE).occurred_at
    (fault,) = fact_faults(audit, Said(product_ids()[0], "bought", when))
    assert "but returned at" in fault


def test_new_is_looked_up_again(scorer, now):
    first, old, new = product_ids()[:3]
    Product.objects.update(created_at=now - timedelta(days=60))
    Product.objects.filter(product_id=old).update(created_at=now - timedelta(days=31))
    Product.objects.filter(product_id=new).update(created_at=now - timedelta(days=1))
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW)), now)
    assert fact_faults(audit, Said(new, "new")) == []
    assert [bool(fact_faults(audit, Said(one, "new"))) for one in (first, old, "nothing")] == [True, True, True]
    Product.objects.exclude(product_id=new).update(created_at=now - timedelta(days=1, hours=23))
    assert fact_faults(audit, Said(new, "new")) != []


def test_nothing_counted_long_ago_is_popular_this_week(scorer, now):
    popularity(now - timedelta(hours=25), {1: 50})
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW)), now)
    assert fact_faults(audit, Said(product_ids()[0], "popular_this_week", None)) != []


def bought(now, *items, times=1, days_ago=1, source=Interaction.Source.SERVER):
    """So many new shoppers who bought these items."""
    keys = list(Product.objects.order_by("pk").values_list("pk", flat=True))
    for _ in range(times):
        shopper = Shopper.objects.create()
        for item in items:
            Interaction.objects.create(
                shopper=shopper,
                product_id=keys[item - 1],
                kind=Kind.PURCHASE,
                source=source,
                occurred_at=now - timedelta(days=days_ago),
                event_key=item,
            )
    return shopper


@pytest.fixture
def together(scorer, now):
    """Eleven of 20 shoppers bought items 1 and 2, two of them only by a browser's word, long ago or forgotten."""
    bought(now, 1, 2, times=11)
    bought(now, 1, 2, source=Interaction.Source.BEACON)
    bought(now, 1, 2, days_ago=181)
    bought(now, 5, times=9)
    ProductPopularity.objects.count_again(now)
    return ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW)), now)


def said(item=2, anchor=1, shoppers=10, event="viewed", **more):
    names = product_ids()
    named = {"anchors": (names[anchor - 1],), "events": (event,)} if anchor else {}
    return Said(names[item - 1], "bought_together", shoppers=shoppers, **named, **more)


def test_shoppers_of_both_are_counted_again(together):
    one, two = product_ids()[:2]
    assert fact_faults(together, said()) == []
    assert fact_faults(together, said(shoppers=5)) == [f"{two} with {one}: 11 shoppers, not 5+"]
    assert fact_faults(together, said(shoppers=20)) == [f"{two} with {one}: 11 shoppers, not 20+"]
    assert fact_faults(together, said(event="bought")) == [f"{one} was not bought: [1]"]
    assert f"{product_ids()[4]} with {one}: 0 of at least 5 shoppers" in fact_faults(together, said(item=5))


def test_of_the_product_of_the_page_nothing_else_is_named(together):
    one, two = product_ids()[:2]
    assert fact_faults(together, said(anchor=0, about=one)) == []
    assert fact_faults(together, said(about=one)) == [f"{two}: bought together, 1 are named"]
    assert fact_faults(together, said(anchor=0)) == [f"{two}: bought together, 0 are named"]


def test_what_was_removed_before_the_count_does_not_count(scorer, now, together):
    for shopper in Shopper.objects.order_by("pk")[1:3]:
        second = Product.objects.get(product_id=product_ids()[1])
        RemovedProduct.objects.create(shopper=shopper, product=second, removed_at=now)
    Shopper.objects.filter(pk=Shopper.objects.order_by("pk")[3].pk).update(personalised=False)
    again = ShopperAudit(Reference(scorer), together.shopper, now)
    assert any("8 shoppers, not 10+" in fault for fault in fact_faults(again, said()))


def test_a_count_of_three_days_ago_may_not_be_printed(scorer, now, together):
    later = ShopperAudit(Reference(scorer), together.shopper, now + timedelta(days=3))
    assert fact_faults(later, said()) == [f"{product_ids()[1]} with {product_ids()[0]}: counted at {now}"]


def test_no_more_than_by_chance_is_told(scorer, now):
    bought(now, 1, 2, times=6)
    ProductPair.objects.create(
        product=Product.objects.first(), other=Product.objects.last(), shoppers=6, counted_at=now
    )
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (1, Kind.VIEW)), now)
    assert any("6 shoppers are no more than by chance" in fault for fault in fact_faults(audit, said(shoppers=5)))


def test_sensitive_products_need_more_shoppers_and_are_not_named(scorer, now, together, settings):
    settings.RECOMMENDATIONS = {"SENSITIVE_CATEGORIES": ("Shelf 0",)}
    audit = ShopperAudit(Reference(scorer), together.shopper, now)
    one, two = product_ids()[:2]
    assert fact_faults(audit, said()) == [f"{two} with {one}: 11 of at least 20 shoppers", f"{one} must not be named"]


@pytest.fixture
def promoted(scorer, now, monkeypatch):
    """Items 1 to 3 are what strangers see; 2 is promoted, 9 too, 10 is paid for."""
    names = product_ids()
    told = [Promotion(names[1]), Promotion(names[8]), Promotion(names[9], paid=True)]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: told)
    popularity(now, {1: 30, 2: 20, 3: 10})
    return ShopperAudit(Reference(scorer), Shopper.objects.create(), now)


@pytest.mark.parametrize(
    ("item", "fact", "fault"),
    [
        (1, "", ""),
        (2, "", ""),
        (2, "popular_this_week", ""),
        (2, "promoted", "is promoted, and at 2 of 3 anyway"),
        (9, "promoted", ""),
        (9, "", "at 7 of 3 does not say it is promoted"),
        (9, "sponsored", "is sponsored, paid: False"),
        (10, "sponsored", ""),
        (10, "promoted", "is promoted, paid: True"),
    ],
)
def test_a_promotion_says_what_it_is_and_only_where_it_is_one(promoted, item, fact, fault):
    name = product_ids()[item - 1]
    faults = promotion_faults(promoted, Said(name, fact, limit=3))
    assert faults[:1] == ([f"{name} {fault}"] if fault else [])


def test_nobody_is_said_to_promote_what_nobody_promotes(promoted):
    name = product_ids()[4]
    assert fact_faults(promoted, Said(name, "promoted")) == [f"{name}: nobody promotes it"]
    assert fact_faults(promoted, Said(product_ids()[8], "promoted")) == []


def test_a_promotion_has_no_cause_and_is_for_sale(promoted, scorer, now):
    name = product_ids()[1]
    assert promotion_faults(promoted, Said(name, anchors=("1",), limit=3)) == [f"{name} is promoted and has a cause"]
    Book.objects.filter(pk=name).update(in_stock=False)
    again = ShopperAudit(Reference(scorer), promoted.shopper, now)
    assert f"{name} must not be shown" in promotion_faults(again, Said(name, "promoted", limit=3))


def test_with_a_history_the_scores_tell_whether_it_would_be_shown(promoted, scorer, now):
    scorer.speaks[12, 9] = 5
    audit = ShopperAudit(Reference(scorer), shopper_who(now, (12, Kind.VIEW)), now)
    assert audit.place_now(product_ids()[8], "allowed") == (1, 1)
    assert audit.place_now(product_ids()[1], "allowed") == (3, 3)
    assert audit.place_now("unknown", "allowed")[0] == 12
