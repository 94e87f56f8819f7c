"""manage.py explanation_report: its figures beside another way to count them, and what it leaves behind."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from recommendations.auditing import explained as explained_module
from recommendations.auditing import report as report_module
from recommendations.auditing.explained import ExplainedShop
from recommendations.auditing.report import make_report
from recommendations.auditing.steadiness import agrees_without_learning, kept_beside_another, told_again
from recommendations.catalog import Promotion
from recommendations.management.commands.explanation_report import lines
from recommendations.ml.kinds import Kind
from recommendations.ml.plain import PlainScorer
from recommendations.models import Interaction, Product, ProductPopularity, RecommenderVersion, Shopper
from recommendations.publishing import current_recommender
from recommendations.serving import Because, RecommendationList, RecommendationQuery, recommend
from tests.auditing.conftest import search_for
from tests.published import publish_made_artifact
from tests.retraining.made_shop import make_shop
from tests.shop.recommended_products import BookCatalog

NAIVE = {"last_viewed", "most_similar", "most_frequent", "top_attention", "random"}


@pytest.fixture
def version(db):
    make_shop(books=60, shoppers=5, events=5)
    ProductPopularity.objects.count_again(timezone.now())
    return publish_made_artifact()


def reported(version, *options):
    out = StringIO()
    call_command("explanation_report", version.pk, *options, stdout=out, stderr=StringIO())
    version.refresh_from_db()
    return version.fidelity["report"], out.getvalue()


def test_a_report_is_told_written_and_kept(version, tmp_path):
    RecommenderVersion.objects.update(fidelity={"gate": {"claims": 3}})
    report, told = reported(version, "--json", tmp_path / "report.json")
    assert json.loads((tmp_path / "report.json").read_text()) == report
    assert version.fidelity["gate"] == {"claims": 3}
    assert report["shoppers"] == 5
    assert report["shown"] == 50
    assert 0 < report["claims"] < 50
    assert report["false_reason_rate_on_claims"].keys() == NAIVE | {"ours"}
    assert report["false_reason_rate_on_claims"]["ours"] == {"strict": 0, "lenient": 0}
    assert report["false_reason_rate"].keys() == NAIVE
    assert report["versus_ours"]["pos@1"].keys() == report["versus_ours"]["naopc"].keys() == NAIVE
    assert report["stability"]["same_input"] == 1
    assert report["latency_ms"]["lists"] == 5
    assert report["coverage_by_event"].keys() == {"purchase"}
    assert sum(report["coverage_by_event"]["purchase"].values()) == pytest.approx(1, abs=1e-3)
    assert f'Version {version.pk}: 5 shoppers, 50 products shown, {report["claims"]} with a "because"' in told
    assert "ours                0.000    0.000" in told
    for label in NAIVE:  # by construction
        assert report["pos"]["ours"]["1"] <= report["pos"][label]["1"]
        assert report["delp"]["ours"]["1"] <= report["delp"][label]["1"]
        assert report["versus_ours"]["delp@1"][label]["mean"] >= 0
        strict, lenient = report["false_reason_rate"][label].values()
        assert 0 <= lenient <= strict <= 1
    assert 0 <= report["naopc"]["ours"] <= 1


def test_rates_are_what_real_removals_show(version):
    """Last viewed, counted again through the lists that are served."""
    report, _ = reported(version)
    stays = []
    for shopper in Shopper.objects.all():
        met = Interaction.objects.filter(shopper=shopper).order_by("-occurred_at")
        last = (met.filter(kind=Kind.VIEW).first() or met.first()).product.product_id
        query = RecommendationQuery("new_for_you", shopper, limit=10)
        without = recommend(RecommendationQuery("new_for_you", shopper, limit=10, without=(last,))).product_ids
        stays += [(entry, entry.card.product_id in without) for entry in recommend(query).recommendations]
    claimed = [stay for entry, stay in stays if isinstance(entry.reason, Because)]
    rates = report["false_reason_rate"], report["false_reason_rate_on_claims"]
    assert rates[0]["last_viewed"]["strict"] == pytest.approx(sum(stay for _, stay in stays) / 50, abs=1e-4)
    assert rates[1]["last_viewed"]["strict"] == pytest.approx(sum(claimed) / len(claimed), abs=1e-4)
    assert report["claims"] == len(claimed)
    assert report["pos"]["last_viewed"]["1"] == pytest.approx(rates[0]["last_viewed"]["strict"], abs=1e-4)
    assert report["shown"] == len(stays)


def test_searches_are_units_of_the_report_too(version):
    names = list(Product.objects.order_by("-pk").values_list("product_id", flat=True))
    for place, shopper in enumerate(Shopper.objects.order_by("pk")):
        search_for(shopper, *names[place : place + 1 + place % 2])
    report, _ = reported(version)
    assert report["shoppers"] == 5  # none was skipped
    assert report["false_reason_rate_on_claims"]["ours"] == {"strict": 0, "lenient": 0}
    shop = ExplainedShop(current_recommender(), 0)
    named = [
        (explained.units.index(unit), anchor.type)
        for shopper in Shopper.objects.order_by("pk")
        for explained in [shop.explained(shopper, timezone.now())]
        for place, units in explained.named.items()
        for anchor, unit in zip(explained.entries[place].reason.anchors, units, strict=False)
        if len(units) == 1
    ]
    assert ("query" in {type_ for _, type_ in named}) and (0, "query") in named  # the search is what was met last


def test_what_is_promoted_is_measured_where_it_would_stand(version, monkeypatch):
    shown = recommend(RecommendationQuery("new_for_you", Shopper.objects.first(), limit=10)).product_ids
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: [Promotion(shown[4])])
    shop = ExplainedShop(current_recommender(), 0)
    explained = shop.explained(Shopper.objects.first(), timezone.now())
    assert [entry.card.product_id for entry in explained.entries] == shown
    assert shop.left_out == {}


def test_who_is_left_out_is_told_and_why(version, monkeypatch):
    monkeypatch.setattr(explained_module, "MOST_UNITS", 0)
    report = make_report(version, 2)
    told = list(lines(version.pk, report))
    assert (report["shoppers"], report["left_out"]) == (0, {"history": 2})
    assert "Left out: 2 whose history has no or over 50 products and searches" in told[1]
    shop = ExplainedShop(current_recommender(), 0)
    monkeypatch.setattr(explained_module, "MOST_UNITS", 50)
    monkeypatch.setattr(explained_module, "recommend", lambda query: RecommendationList("new_for_you"))
    assert shop.explained(Shopper.objects.first(), timezone.now()) is None
    assert shop.left_out == {"nothing_shown": 1}


def test_nothing_is_left_and_the_current_version_stays(version):
    other = publish_made_artifact(seed=1)
    before = list(Interaction.objects.values_list("pk", flat=True))
    report, _ = reported(version, "--shoppers", "3")
    assert report["shoppers"] == 3
    assert list(Interaction.objects.values_list("pk", flat=True)) == before
    assert current_recommender().version == other.pk


def test_the_same_seed_measures_the_same(version):
    seen = [make_report(version, 2, seed) for seed in (1, 1)]
    for report in seen:
        del report["seconds"], report["latency_ms"]
    assert seen[0] == seen[1]


def test_a_shop_without_histories_has_an_empty_report_and_keeps_the_one_before(version):
    before, _ = reported(version)
    Interaction.objects.all().delete()
    _, told = reported(version)
    report = make_report(version, 200)
    assert (report["shoppers"], report["shown"], report["claims"]) == (0, 0, 0)
    assert report["specificity"] is None
    assert "nothing was measured, and nothing is kept" in told
    assert version.fidelity["report"] == before


@pytest.mark.parametrize("shoppers", ["0", "-3", "some"])
def test_who_asks_for_no_shoppers_is_told(version, shoppers):
    with pytest.raises(CommandError, match=f"argument --shoppers: '{shoppers}': expected a whole number from 1"):
        reported(version, f"--shoppers={shoppers}")
    version.refresh_from_db()
    assert "report" not in version.fidelity


def test_a_file_that_can_not_be_written_is_named_before_anything_is_measured(version, tmp_path, monkeypatch):
    monkeypatch.setattr("recommendations.management.commands.explanation_report.make_report", pytest.fail)
    path = tmp_path / "no folder" / "report.json"
    with pytest.raises(CommandError, match=f"--json {path}: No such file or directory; expected a file in a folder"):
        reported(version, "--json", str(path))


def test_a_file_that_could_be_written_is_as_it_was_until_there_is_a_report(version, tmp_path):
    RecommenderVersion.objects.update(artifact="gone")
    kept, new = tmp_path / "kept.json", tmp_path / "new.json"
    kept.write_text("{}")
    for path in (kept, new):
        with pytest.raises(CommandError, match=f"version {version.pk}"):
            reported(version, "--json", str(path))
    assert kept.read_text() == "{}" and not new.exists()


def test_a_history_of_one_product_is_measured(version):
    shopper = Shopper.objects.first()
    kept = Interaction.objects.filter(shopper=shopper).first()
    Interaction.objects.exclude(pk=kept.pk).delete()
    report, told = reported(version)
    assert report["by_length"] == {"1": 1}
    assert report["pos"] == {}
    assert report["false_reason_rate"]["last_viewed"] == report["false_reason_rate"]["random"]
    assert "NAOPC" in told


@pytest.mark.parametrize("artifact", ["", "gone"])
def test_a_version_without_files_is_named(version, artifact):
    RecommenderVersion.objects.update(artifact=artifact)
    with pytest.raises(CommandError, match=f"version {version.pk}"):
        reported(version)


def test_unknown_versions_are_named(version):
    with pytest.raises(CommandError, match=rf"There is no version 4711\. Versions with files: {version.pk}\."):
        call_command("explanation_report", 4711)


@pytest.fixture
def found(version):
    """One explained list, and the shop."""
    shop = ExplainedShop(current_recommender(), 0)
    return shop, shop.explained(Shopper.objects.first(), timezone.now())


def test_a_reason_that_changes_is_not_told_again(found, monkeypatch):
    _, explained = found
    assert told_again(explained) == [True] * 10
    Interaction.objects.filter(shopper=explained.query.shopper).delete()
    assert not all(told_again(explained))


def test_one_event_of_another_category_is_inserted_before_the_last(found, monkeypatch):
    shop, explained = found
    times, honest = [], recommend

    def seen(query):
        rows = Interaction.objects.filter(shopper=query.shopper).order_by("-occurred_at")
        times.append(list(rows.values_list("product__category", "kind")))
        return honest(query)

    monkeypatch.setattr("recommendations.auditing.steadiness.recommend", seen)
    before = Interaction.objects.filter(shopper=explained.query.shopper).order_by("-occurred_at")
    categories = list(before.values_list("product__category", flat=True))
    kept = kept_beside_another(shop, explained)
    assert len(kept) == len(explained.named) > 0
    (after,) = times
    assert [category for category, _ in after if category not in categories] != []
    assert len(after) == len(categories) + 1
    assert after[0][0] == categories[0]
    assert before.count() == len(categories)


def test_without_another_category_nothing_is_inserted(found):
    shop, explained = found
    Product.objects.update(category=["Books"])
    shop.loaded.refresh()
    assert kept_beside_another(shop, explained) == []


def test_a_recommender_that_unlearned_nothing_agrees_with_itself(found, monkeypatch):
    shop, explained = found
    monkeypatch.setattr(PlainScorer, "randomised", lambda self, rng: self)
    assert agrees_without_learning(shop, explained) == [True] * 10


def test_nothing_is_ranked_for_an_naopc_that_is_not_told(found, monkeypatch):
    shop, explained = found
    monkeypatch.setattr(report_module, "EXACT_UNITS", 1)
    monkeypatch.setattr(report_module, "aopc", lambda *_: pytest.fail("this history is too long for a NAOPC"))
    report = report_module._Report(shop)
    report.add(explained)
    assert {metric.partition("@")[0] for metric, _ in report.means} == {"pos", "delp", "insp"}


def test_false_reasons_of_ours_would_be_told(version, monkeypatch):
    monkeypatch.setattr(report_module, "LIMIT", 60)  # nothing leaves a list of all there is
    report = make_report(version, 2)
    assert report["false_reason_rate_on_claims"]["ours"]["strict"] == 1
