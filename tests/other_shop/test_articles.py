"""Two registered models in one project: books that are bought, articles that are read and liked."""

import json
from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.template import RequestContext, Template
from django.test import RequestFactory

from recommendations.auditing.verifying import verify_list
from recommendations.capture import record, record_order
from recommendations.catalog import find_cards, product_id_of, registered, sync_catalog
from recommendations.exceptions import NotConfigured, UnknownPlacement
from recommendations.ml.kinds import Kind
from recommendations.models import Interaction, Product, ProductPopularity
from recommendations.publishing import LoadedRecommender, current_recommender
from recommendations.serving import RecommendationQuery, because_rows, recommend
from recommendations.serving.looking import Inspection, look
from tests.other_shop.made import articles, both, visitor  # noqa: F401
from tests.other_shop.models import Article
from tests.serving.conftest import books, did, popular  # noqa: F401
from tests.shop.models import Book


def is_article(product_id):
    return product_id.startswith("article:")


def listed(shopper, placement="home", **options):
    return recommend(RecommendationQuery(placement, shopper, **options)).product_ids


@pytest.fixture
def reader(both, visitor, books, articles):  # noqa: F811
    """Read three articles, liked one of them, bought a book."""
    for article in articles[6:9]:
        record(visitor, Kind.VIEW, article)
    record(visitor, Kind.SAVE, articles[6])
    record_order(visitor, [(books[0], 1)], order_id="1")
    return visitor


def test_both_models_are_mirrored_under_ids_that_tell_them_apart(books, articles):  # noqa: F811
    sync_catalog()
    assert Product.objects.count() == 96
    assert Product.objects.get(product_id="article:story-1").title == "About story-1"
    assert Product.objects.get(product_id=str(books[0].pk)).category == ["Books", books[0].shelf]
    assert Product.objects.get(product_id="article:story-1").category == []


def test_the_shops_own_objects_are_recorded_under_those_ids(reader, books):  # noqa: F811
    told = Interaction.objects.order_by("pk").values_list("product__product_id", "kind")
    assert set(told) == {
        ("article:story-1", Kind.VIEW),
        ("article:story-2", Kind.VIEW),
        ("article:story-3", Kind.VIEW),
        ("article:story-1", Kind.SAVE),
        (str(books[0].pk), Kind.PURCHASE),
    }


def test_a_list_is_of_both_unless_it_says_of_which(reader):
    assert {is_article(key) for key in listed(reader, limit=50)} == {True, False}
    assert all(map(is_article, listed(reader, of="article")))
    assert not any(map(is_article, listed(reader, of="book")))
    assert len(listed(reader, of="article")) == len(listed(reader, of="book")) == 10


def test_what_a_feed_rests_on_may_be_of_another_model_and_is_true(reader, did, books):  # noqa: F811
    did(reader, books[20:24])
    query = RecommendationQuery("new_for_you", reader, limit=20, of="article")
    reasons = [(entry.card.product_id, entry.reason) for entry in recommend(query).recommendations]
    claims = [(key, tuple(named.id for named in reason.anchors)) for key, reason in reasons if reason.kind == "because"]
    assert claims
    for product_id, anchors in claims:
        without = recommend(RecommendationQuery("new_for_you", reader, limit=20, of="article", without=anchors))
        assert product_id not in without.product_ids
        assert all(map(is_article, without.product_ids))


def test_rows_are_cut_from_one_model_too(reader, did, books):  # noqa: F811
    did(reader, [books[3], books[27], books[44]])
    rows = because_rows(RecommendationQuery("new_for_you", reader, of="book"))
    assert rows
    assert not any(is_article(entry.card.product_id) for row in rows for entry in row.recommendations)


def test_alike_are_only_products_of_the_same_model(both, articles, books):  # noqa: F811
    alike = listed(None, "similar", product_id="article:story-1")
    assert len(alike) == 10
    assert all(map(is_article, alike))
    assert not any(map(is_article, listed(None, "similar", product_id=str(books[0].pk))))


def test_a_look_beside_a_book_tells_that_an_article_is_of_another_model(both, books):  # noqa: F811
    query = RecommendationQuery("similar", None, product_id=str(books[0].pk))
    rules = {rule.name: rule.leaves_out for rule in look(Inspection(query), "article:story-1").path.filters}
    assert rules["other_model"]
    rules = {rule.name: rule.leaves_out for rule in look(Inspection(query), str(books[3].pk)).path.filters}
    assert not any(rules.values())


def test_popular_and_new_are_limited_too(both, articles, popular):  # noqa: F811
    assert listed(None, limit=3, of="article") == [f"article:story-{k}" for k in (30, 29, 28)]
    ProductPopularity.objects.create(
        product=Product.objects.get(product_id="article:story-9"),
        shoppers=1,
        counted_at=ProductPopularity.objects.first().counted_at,
    )
    assert listed(None, limit=2, of="article") == ["article:story-9", "article:story-30"]
    assert not any(map(is_article, listed(None, limit=60, of="book")))


def test_bought_again_is_limited_too(reader, books):  # noqa: F811
    assert listed(reader, "buy_again") == [str(books[0].pk)]
    assert listed(reader, "buy_again", of="article") == []


def test_a_feed_over_rest_and_in_a_template(reader, client):
    shown = client.get("/recommendations/v1/lists/", {"placement": "home", "of": "article"}).json()["recommendations"]
    assert [entry["product"]["id"] for entry in shown] == listed(reader, of="article")
    request = RequestFactory().get("/")
    request.COOKIES["recommendations_shopper"] = "key"
    source = '{% load recommendations %}{% recommendations placement="home" of="article" %}'
    html = Template(source).render(RequestContext(request))
    assert html.count("<article") == html.count('data-recommendations-product="article:') == 10


def test_the_why_page_knows_which_list_it_explains(reader, client):
    found = recommend(RecommendationQuery("home", reader, of="article"))
    last = found.recommendations[-1].card
    html = client.get("/recommendations/why/", {"token": found.token, "product": last.product_id}).content.decode()
    assert last.title in html
    assert "not in your list any more" not in html


def test_a_model_that_is_not_registered_is_named_with_those_that_are(reader, client):
    with pytest.raises(UnknownPlacement, match="of 'poem': expected the name of a registered model: book, article"):
        RecommendationQuery("home", reader, of="poem")
    answer = client.get("/recommendations/v1/lists/", {"placement": "home", "of": "poem"})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "of"


def test_cards_of_both_cost_a_query_each(both, books, articles, django_assert_num_queries):  # noqa: F811
    ids = [product_id_of(product) for product in (*books[:5], *articles[:5])]
    with django_assert_num_queries(2):
        assert set(find_cards(ids, None)) == set(ids)


def test_what_the_queryset_leaves_out_is_not_recommended_once_saved(both, articles, django_capture_on_commit_callbacks):  # noqa: F811
    with django_capture_on_commit_callbacks(execute=True):
        articles[10].published = False
        articles[10].save()
        Article.objects.create(slug="draft", title="Draft", published=False)
    assert not Product.objects.get(product_id=product_id_of(articles[10])).available
    assert not Product.objects.filter(product_id="article:draft").exists()


def test_a_key_that_reads_as_another_models_id_is_named(db, monkeypatch):
    monkeypatch.setattr(type(registered()[Book]), "id_of", lambda self, key: f"article:{key}")
    Book.objects.create(name="Tea")
    with pytest.raises(NotConfigured, match=r"BookCatalog\.product_id gave 'article:.*prefix = \"book\""):
        sync_catalog()


@pytest.mark.parametrize("of", ["article", "book"])
def test_causes_in_a_list_of_one_model_are_derived_again_within_it(reader, of):
    query = RecommendationQuery("home", reader, limit=5, of=of)
    served = recommend(query)
    found = verify_list(current_recommender(), query, served)
    assert len(found.verdicts) > 0 == found.false
    # Among the products of both models the same places would be wrong.
    assert verify_list(current_recommender(), replace(query, of=""), served).false > 0


@pytest.mark.training
def test_an_audit_asks_for_the_lists_of_each_model(reader, tmp_path, monkeypatch):
    path = tmp_path / "audit.json"
    call_command("explanation_audit", claims=60, predict_every=5, json=path, stdout=StringIO())
    report = json.loads(path.read_text())
    assert report["false"] == report["predictions"]["different"] == 0
    for name in ("home of article", "home of book"):
        assert report["by_placement"][name]["because"] > 0
    monkeypatch.setattr(LoadedRecommender, "items_of", lambda self, catalog: self.eligible)
    with pytest.raises(CommandError, match="Not everything is true"):
        call_command("explanation_audit", claims=60, json=path, stdout=StringIO(), stderr=StringIO())
