"""manage.py explanation_audit: what it asks, what it counts, and that it fails when anything is false."""

import json
import random
from contextlib import nullcontext
from datetime import timedelta
from io import StringIO
from itertools import combinations, count

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommendations.auditing import tally as tally_module
from recommendations.auditing.reference import Reference
from recommendations.auditing.shopper_audit import ShopperAudit
from recommendations.auditing.tally import Tally
from recommendations.catalog import Promotion, sync_catalog
from recommendations.ml.kinds import Kind
from recommendations.ml.sequences import History
from recommendations.ml.training.reference import ReferenceScorer
from recommendations.models import (
    HiddenProduct,
    Interaction,
    Product,
    ProductPair,
    ProductPopularity,
    RecommenderVersion,
    RemovedProduct,
    Shopper,
)
from recommendations.publishing import current, forget
from recommendations.serving import (
    NoReason,
    eligibility,
    promoting,
)
from tests.auditing.conftest import product_ids
from tests.published import publish_made_artifact
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


def audit(tmp_path, claims=40, **options):
    out, err = StringIO(), StringIO()
    path = tmp_path / "audit.json"
    try:
        call_command("explanation_audit", claims=claims, json=path, stdout=out, stderr=err, **options)
    finally:
        report = json.loads(path.read_text()) if path.exists() else None
    return report, out.getvalue()


def test_reasons_of_a_sound_recommender_are_all_true(version, tmp_path):
    report, told = audit(tmp_path, claims=150, predict_every=5)
    assert report["claims"] >= 150
    assert (report["false"], report["examples"]) == (0, [])
    assert report["by_tier"]["T1"]["checked"] + report["by_tier"]["T2"]["checked"] == report["claims"]
    assert report["by_tier"]["T2"]["checked"] > 0
    assert report["predictions"]["checked"] >= 15
    assert report["predictions"]["different"] == 0
    assert report["version"] == version.pk
    assert sum(part["because"] for part in report["by_placement"].values()) == report["claims"]
    assert sum(part["because"] for part in report["by_distinct_products"].values()) == report["claims"]
    assert 0 < report["claims_of_visitors"] < report["claims"]
    assert told.startswith(f'Version {version.pk}: {report["claims"]:,} "because"')


def test_facts_of_the_shop_and_causes_beside_promotions_are_all_true(version, tmp_path, monkeypatch):
    rows = list(Product.objects.order_by("pk"))
    shoppers = Shopper.objects.bulk_create(Shopper() for _ in range(20))
    Interaction.objects.bulk_create(
        Interaction(shopper=shopper, product=product, kind=Kind.PURCHASE, source=2, event_key=product.pk)
        for k, shopper in enumerate(shoppers)  # five buy the first fifteen books, five the next
        for product in rows[k // 5 * 15 :][:15]
    )
    ProductPopularity.objects.count_again(timezone.now())
    promotions = [Promotion(rows[k].product_id, paid=k % 2 == 0) for k in (7, 30, 31, 32, 50)]
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: promotions)
    report, _ = audit(tmp_path, claims=100, predict_every=5)
    assert (report["false"], report["examples"]) == (0, [])
    assert report["predictions"]["different"] == 0
    assert {tier for tier, counted in report["by_tier"].items() if counted["checked"]} >= {"P", "T1", "T4", "T5"}
    assert report["by_placement"]["bought_together"]["checked"] > 0


def test_what_is_said_beside_what_is_wanted_less_is_all_true(version, tmp_path):
    first = Product.objects.order_by("pk").first()
    until = timezone.now() + timedelta(days=9)
    HiddenProduct.objects.bulk_create(
        HiddenProduct(shopper=shopper, product=first, fewer_like_it=True, until=until)
        for shopper in Shopper.objects.all()
    )
    report, _ = audit(tmp_path, claims=60, visitors=0.0, predict_every=5)
    assert (report["false"], report["examples"], report["predictions"]["different"]) == (0, [], 0)
    assert report["claims"] >= 60


def test_it_fails_when_what_is_wanted_less_is_shown(version, tmp_path, monkeypatch):
    first = Product.objects.order_by("pk").first()
    until = timezone.now() + timedelta(days=9)
    HiddenProduct.objects.bulk_create(
        HiddenProduct(shopper=shopper, product=first, fewer_like_it=True, until=until)
        for shopper in Shopper.objects.all()
    )
    monkeypatch.setattr(eligibility, "fewer_of", lambda query, memory: frozenset())
    with pytest.raises(CommandError, match="Not everything is true"):
        audit(tmp_path, claims=60, visitors=0.0)


def test_it_fails_when_a_promotion_does_not_say_so(version, tmp_path, monkeypatch):
    last = Product.objects.order_by("pk").last().product_id
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: [Promotion(last)])
    monkeypatch.setattr(promoting, "Fact", lambda fact: NoReason())
    with pytest.raises(CommandError, match="does not say it is promoted"):
        audit(tmp_path, claims=200)


def test_it_fails_when_nobody_bought_both(version, tmp_path):
    now = timezone.now()
    ProductPair.objects.bulk_create(
        ProductPair(product=one, other=other, shoppers=99, counted_at=now)
        for one, other in combinations(Product.objects.order_by("pk"), 2)
    )
    with pytest.raises(CommandError, match="0 of at least 5 shoppers"):
        audit(tmp_path, claims=20)


def test_nothing_made_up_is_left_in_the_database(version, tmp_path):
    before = [model.objects.count() for model in (Shopper, Interaction, RemovedProduct)]
    audit(tmp_path, claims=20, visitors=1.0, predict_every=2)
    assert [model.objects.count() for model in (Shopper, Interaction, RemovedProduct)] == before


def test_visitors_can_be_left_out(version, tmp_path):
    report, _ = audit(tmp_path, claims=10_000, visitors=0.0)
    assert report["claims_of_visitors"] == 0
    assert report["shoppers"] == 10


def test_the_same_seed_asks_the_same(version, tmp_path):
    reports = [audit(tmp_path, claims=20, visitors=0.0, seed=seed)[0] for seed in (1, 1, 2)]
    counted = [(report["claims"], report["shoppers"], report["by_placement"]) for report in reports]
    assert counted[0] == counted[1] != counted[2]


def test_it_fails_when_the_reference_disagrees(version, tmp_path, monkeypatch):
    honest = ReferenceScorer.scores
    monkeypatch.setattr(ReferenceScorer, "scores", lambda self, history: np.ascontiguousarray(-honest(self, history)))
    with pytest.raises(CommandError, match="Not everything is true"):
        audit(tmp_path, claims=20)
    report = json.loads((tmp_path / "audit.json").read_text())
    assert report["false"] > 10
    assert report["by_tier"]["T1"]["false"] + report["by_tier"]["T2"]["false"] == report["false"]
    assert len(report["examples"]) <= tally_module.EXAMPLES
    assert {"placement", "limit", "shopper", "product", "reason", "faults"} <= set(report["examples"][0])


def test_it_fails_when_a_removal_gives_another_list(version, tmp_path, monkeypatch):
    monkeypatch.setattr(tally_module, "prediction_holds", lambda *_: False)
    with pytest.raises(CommandError, match="another list than predicted is served"):
        audit(tmp_path, claims=20, predict_every=3)
    assert json.loads((tmp_path / "audit.json").read_text())["predictions"]["different"] >= 2


def test_it_fails_when_there_is_nothing_to_check(version, tmp_path):
    Interaction.objects.all().delete()
    with pytest.raises(CommandError, match="nothing was checked"):
        audit(tmp_path, visitors=0.0)


def test_it_needs_a_published_version(db, tmp_path):
    with pytest.raises(CommandError, match="No version is published"):
        audit(tmp_path)


@pytest.fixture
def meanwhile(monkeypatch):
    """meanwhile(do): `do` is called once all is read, before anybody's lists are asked for."""
    monkeypatch.setattr(current, "REFRESH_SECONDS", 0.0)

    def then(do):
        honest, looks = Tally.check, count()
        monkeypatch.setattr(Tally, "check", lambda *args: (next(looks) or do(), honest(*args))[1])

    return then


def test_what_is_sold_out_meanwhile_is_not_held_against_it(version, tmp_path, meanwhile):
    def sell_out():
        Book.objects.filter(pk__in=product_ids()[::3]).update(in_stock=False)
        sync_catalog()

    meanwhile(sell_out)
    report, _ = audit(tmp_path, claims=1, visitors=0.0)
    assert (report["false"], report["examples"]) == (0, [])


def test_a_version_published_meanwhile_is_not_asked(version, tmp_path, meanwhile):
    meanwhile(lambda: publish_made_artifact(seed=1))
    report, _ = audit(tmp_path, claims=1, visitors=0.0)
    assert (report["false"], report["version"]) == (0, version.pk)


def test_each_claim_of_a_shopper_has_its_turn_to_be_tried(version, monkeypatch):
    tried = set()
    with Reference.opened(version) as reference:
        monkeypatch.setattr(ShopperAudit, "faults", lambda self, claim: [])
        for seed in range(12):
            found, one = Tally(version, 5), nullcontext(Shopper.objects.first())
            monkeypatch.setattr(tally_module, "prediction_holds", lambda *_, found=found: not tried.add(found.claims))
            found.check(reference, one, random.Random(seed), is_visitor=False)
    assert {1, 2, 3, 4, 5} <= tried


def test_what_is_published_and_can_not_be_served_is_told(version, tmp_path):
    RecommenderVersion.objects.update(artifact="gone")
    forget()
    with pytest.raises(CommandError, match=f"Version {version.pk} is published and can't be served"):
        audit(tmp_path)


@pytest.mark.parametrize(("option", "value"), [("--claims", "0"), ("--visitors", "1.5"), ("--predict-every", "x")])
def test_options_are_checked(option, value):
    with pytest.raises(CommandError, match=f"argument {option}: '{value}': expected a"):
        call_command("explanation_audit", option, value)


def test_a_file_that_can_not_be_written_is_named_before_anything_is_checked(version, tmp_path, monkeypatch):
    monkeypatch.setattr(Tally, "check", lambda *args: pytest.fail("the work was begun"))
    path = tmp_path / "no folder" / "audit.json"
    with pytest.raises(CommandError, match=f"--json {path}: No such file or directory; expected a file in a folder"):
        call_command("explanation_audit", "--json", str(path))


def test_a_stranger_is_shown_facts_only(version):
    ProductPopularity.objects.update(recent_shoppers=5)  # more than there were
    tally = Tally(version, 20)
    with Reference.opened(version) as reference:
        tally.check(reference, nullcontext(Shopper.objects.create()), random.Random(0), is_visitor=True)
    assert tally.by_history.keys() == {"none"}
    assert tally.claims == tally.visitor_claims == 0
    assert tally.by_tier["T5"]["false"] == tally.by_tier["T5"]["checked"] > 0
    assert tally.examples[0]["reason"]["fact"] == "popular_this_week"


def test_it_fails_when_serving_removes_more_than_it_says(version, tmp_path, monkeypatch):
    rightly = History.without

    def with_the_newest(self, *items):
        rest = rightly(self, *items)
        return rightly(rest, rest.units()[0]) if len(items) == 1 and len(rest.units()) > 1 else rest

    monkeypatch.setattr(History, "without", with_the_newest)
    with pytest.raises(CommandError, match="Not everything is true"):
        audit(tmp_path, claims=60, visitors=0.0)
