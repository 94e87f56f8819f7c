"""Which lists an audit asks for, of whom, and how it tries what they foretell."""

import random

from django.utils import timezone

from recommendations.auditing import shown_lists as lists_module
from recommendations.auditing import tally as tally_module
from recommendations.auditing.shown_lists import prediction_holds, shown_lists, visitor
from recommendations.catalog import Card
from recommendations.ml.kinds import Kind
from recommendations.models import (
    Interaction,
    Product,
    RemovedProduct,
    Shopper,
)
from recommendations.serving import (
    Anchor,
    Because,
    NoReason,
    Recommendation,
    RecommendationList,
    RecommendationQuery,
    Why,
)
from recommendations.serving.reasons import AnyEvidence
from tests.auditing.conftest import product_ids


def test_a_visitor_met_up_to_five_products_just_now(version):
    pool = list(Product.objects.values_list("pk", flat=True))
    now, met = timezone.now(), set()
    for seed in range(40):
        with visitor(pool, now, random.Random(seed)) as shopper:
            events = list(Interaction.objects.filter(shopper=shopper))
            met.add(len(events))
            assert all(event.occurred_at < now for event in events)
        assert not Shopper.objects.filter(pk=shopper.pk).exists()
    assert met == {0, 1, 2, 3, 4, 5}


def test_every_placement_of_a_history_is_asked(version):
    shopper = Shopper.objects.first()
    shown = [found for found in shown_lists(shopper, timezone.now(), random.Random(0)) if found.name != "further"]
    names = ["home", "new_for_you", "cart", "buy_again", "bought_together", "because_rows"]
    assert [found.name for found in shown] == names
    assert {found.query.limit for found in shown[:4]} <= {5, 10, 20}
    assert shown[-1].query.limit == 40
    assert all(isinstance(entry.reason, Because) for entry in shown[-1].recommendations)


def test_what_has_no_reason_is_looked_into_further(version, monkeypatch):
    three = [Anchor(name, name, "viewed") for name in product_ids()[:3]]
    proof = dict(limit=20, rank_before=1, rank_after=30, margin=1.0, share=1.0, version=version.pk)
    proof |= {"witnesses": tuple(map(str, range(29))), "ranks_with_one": (1, 2, 3)}
    cause, asked = Because(tuple(three), AnyEvidence(**proof)), []

    def why(query, product_id, further):
        asked.append((query.placement, product_id, further))
        return Why(None, (cause,))

    monkeypatch.setattr(lists_module, "why", why)
    found = list(shown_lists(Shopper.objects.first(), timezone.now(), random.Random(0)))
    silent = [
        (shown.name, entry.card.product_id)
        for shown in found
        for entry in shown.recommendations
        if entry.source == "recommender" and isinstance(entry.reason, NoReason)
    ]
    (further,) = (shown for shown in found if shown.name == "further")
    ((placement, product_id, is_further),) = asked
    assert is_further and (placement, product_id) in silent
    (entry,) = further.recommendations
    claim = tally_module.claim_of(further, entry, entry.reason)
    assert (claim.product_id, claim.anchors, claim.ranks_with_one) == (product_id, tuple(product_ids()[:3]), (1, 2, 3))


def test_a_prediction_is_tried_by_a_real_removal(version, monkeypatch):
    shopper = Shopper.objects.create()
    first = Product.objects.first()
    Interaction.objects.create(shopper=shopper, product=first, kind=Kind.VIEW, source=2, event_key=1)
    query = RecommendationQuery("home", shopper, limit=5)
    seen = []

    def recommend(query):
        seen.append((query.without, RemovedProduct.objects.filter(shopper=shopper).count()))
        return RecommendationList("home")

    monkeypatch.setattr(lists_module, "recommend", recommend)
    assert prediction_holds(query, [Anchor(first.product_id, "any", "viewed")], "any")
    assert seen == [((first.product_id,), 0), ((), 1)]
    assert not RemovedProduct.objects.exists()


def test_a_removal_that_changes_nothing_is_noticed(version, monkeypatch):
    pool = list(Product.objects.values_list("pk", flat=True))
    with visitor(pool, timezone.now(), random.Random(3)) as shopper:
        shown = next(iter(shown_lists(shopper, timezone.now(), random.Random(0))))
        entry = next(entry for entry in shown.recommendations if isinstance(entry.reason, Because))
        anchors = entry.reason.anchors
        assert prediction_holds(shown.query, anchors, entry.card.product_id)
        monkeypatch.setattr(RemovedProduct.objects, "create", lambda **_: None)
        assert not prediction_holds(shown.query, anchors, entry.card.product_id)


def test_a_product_that_stays_is_noticed_though_the_list_was_foretold(version, monkeypatch):
    shopper = Shopper.objects.create()
    first, stays = Product.objects.all()[:2]
    Interaction.objects.create(shopper=shopper, product=first, kind=Kind.VIEW, source=2, event_key=1)
    query = RecommendationQuery("home", shopper, limit=5)
    card = Card(stays.product_id, "Stays", "/")
    shown = RecommendationList("home", recommendations=(Recommendation(1, 1.0, "recommender", card, NoReason()),))
    monkeypatch.setattr(lists_module, "recommend", lambda query: shown)
    for anchor in (Anchor(first.product_id, "any", "viewed"), Anchor("tea", "tea", "searched", "query")):
        assert not prediction_holds(query, [anchor], stays.product_id)
        assert prediction_holds(query, [anchor], "another")
