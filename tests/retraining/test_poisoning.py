"""What one address makes up with ever new cookies changes neither what is learned nor what is popular."""

from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPopularity, Shopper, teaching
from recommendations.models.shopper import hash_key
from recommendations.retraining.reading import read_log
from tests.retraining.made_shop import make_shop

COOKIES, EVENTS = 600, 5


@pytest.fixture
def shop(db, monkeypatch):
    monkeypatch.setattr(teaching, "FEWEST_CUSTOMERS", 100)
    make_shop(books=20, shoppers=120, events=6)


def poison(kind=Kind.ADD_TO_CART, source=Interaction.Source.BEACON):
    """Thousands of events about the last product, as the beacon stores them once its throttles are passed."""
    last, now = Product.objects.order_by("pk").last(), timezone.now()
    made = Shopper.objects.bulk_create(Shopper(key_hash=hash_key(f"{kind} {k}")) for k in range(COOKIES))
    Interaction.objects.bulk_create(
        Interaction(
            shopper=shopper,
            product=last,
            kind=kind,
            source=source,
            occurred_at=now - timedelta(minutes=k),
            event_key=k,
        )
        for shopper in made
        for k in range(EVENTS)
    )


def learned():
    """What a training reads, as bytes."""
    read = read_log(lambda share: None)
    log = read.log
    arrays = (log.shopper, log.item, log.kind, log.time)
    return [np.asarray(array).tobytes() for array in arrays], read.vocabulary.product_ids, list(read.index.words)


def popular():
    ProductPopularity.objects.count_again(timezone.now())
    return [(row.product_id, row.recent_shoppers, row.shoppers) for row in ProductPopularity.objects.ranked(20)]


def test_visitors_who_never_bought_teach_nothing(shop):
    before = learned(), popular()
    poison()
    poison(Kind.VIEW)
    assert (learned(), popular()) == before


def test_whoever_bought_teaches_with_all_that_was_done(shop):
    before = learned()
    poison(Kind.PURCHASE, Interaction.Source.SERVER)
    assert len(learned()[0][0]) > len(before[0][0])


def test_a_purchase_that_a_browser_tells_of_is_none(shop):
    before = learned(), popular()
    poison(Kind.PURCHASE)
    assert (learned(), popular()) == before


@pytest.mark.parametrize(("learns", "grows"), [(True, True), (False, False), (None, False)])
def test_the_shop_may_decide(shop, settings, learns, grows):
    settings.RECOMMENDATIONS = {"LEARN_FROM_VISITORS": learns, "STRICT": True}
    before = learned()
    poison()
    assert (learned() != before) == grows


def test_with_few_customers_visitors_teach(shop, monkeypatch):
    monkeypatch.setattr(teaching, "FEWEST_CUSTOMERS", 121)
    before = learned()
    poison()
    assert learned() != before


@pytest.mark.parametrize(("opted_out", "grows"), [(20, False), (21, True)])
def test_customers_who_opted_out_are_not_counted_among_those_who_teach(shop, opted_out, grows):
    """Of 120; a hundred are enough."""
    paused = list(Shopper.objects.values_list("pk", flat=True)[:opted_out])
    Shopper.objects.filter(pk__in=paused).update(personalised=False)
    before = learned()
    poison()
    assert (learned() != before) == grows
