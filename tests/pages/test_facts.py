"""What "Why this?" tells of what the shop promotes and of what is bought together."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from recommendations.catalog import Promotion
from recommendations.ml.kinds import Kind
from recommendations.models import Product, ProductPair, Shopper
from recommendations.models.shopper import hash_key
from recommendations.publishing import forget
from recommendations.serving import RecommendationQuery, because_rows, recommend
from tests.pages.test_pages import removable
from tests.published import publish_made_artifact
from tests.serving.conftest import *  # noqa: F403 - the same shop
from tests.serving.test_any import three_each_enough
from tests.shop.models import Book
from tests.shop.recommended_products import BookCatalog


@pytest.fixture
def visitor(db, client):
    client.cookies["recommendations_shopper"] = "key"
    return Shopper.objects.create(key_hash=hash_key("key"))


@pytest.fixture
def told(client, visitor):
    """told(product_id, ...): the page and the JSON about a product of the list."""

    def ask(product_id, **query):
        found = recommend(RecommendationQuery("home", visitor, **query))
        asked = {"token": found.token, "product": product_id}
        page = client.get(reverse("recommendations:why", query=asked)).content.decode()
        return page, client.get("/recommendations/v1/why/", asked).json()

    return ask


def promote(monkeypatch, *promotions):
    monkeypatch.setattr(BookCatalog, "promoted", lambda self, placement, request: promotions)


def test_a_promotion_is_told_plainly(version, popular, books, visitor, did, told, monkeypatch):
    did(visitor, books[10:13])
    *_, paid, free = recommend(RecommendationQuery("home", visitor, limit=57)).product_ids
    promote(monkeypatch, Promotion(free), Promotion(paid, paid=True))
    page, answer = told(free)
    assert "Promoted by the shop." in page
    assert "without that it would not be in this list" in page
    assert "Because" not in page
    assert (answer["source"], answer["promoted"], answer["causes"]) == ("promoted", True, [])
    assert answer["reason"] == {
        "kind": "fact",
        "tier": "P",
        "text": "Promoted by the shop",
        "anchors": [],
        "verified": True,
    }
    page, answer = told(paid)
    assert "Sponsored." in page
    assert "Somebody pays the shop for this place." in page
    assert answer["reason"]["text"] == "Sponsored"


def test_what_would_be_there_anyway_is_told_to_be(version, popular, books, visitor, did, told, monkeypatch):
    did(visitor, books[10:13])
    third = recommend(RecommendationQuery("home", visitor)).product_ids[2]
    promote(monkeypatch, Promotion(third))
    page, answer = told(third)
    assert "without that it would be in this list, too" in page
    assert (answer["source"], answer["promoted"], answer["rank"]) == ("recommender", True, 1)
    assert (answer["reason"]["kind"], answer["causes"]) == ("none", [])


def test_a_place_beside_promotions_is_told_without_them(version, popular, books, visitor, did, told, monkeypatch):
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))
    place, product_id = next(
        (place, entry.card.product_id)
        for place, entry in enumerate(found.recommendations, start=1)
        if entry.reason.tier == "T1"
    )
    assert "Places are counted without" not in told(product_id)[0]
    promote(monkeypatch, Promotion(recommend(RecommendationQuery("home", visitor, limit=57)).product_ids[-1]))
    page, answer = told(product_id)
    assert f"now it is number {place}." in page
    assert "Places are counted without what the shop promotes." in page
    assert (answer["rank"], answer["causes"][0]["evidence"]["rank_before"]) == (place + 1, place)


def test_what_nothing_is_named_for_says_so_and_what_the_shop_promotes_does_not(
    version, popular, books, visitor, did, told, monkeypatch
):
    did(visitor, books[10:22])
    query = RecommendationQuery("home", visitor, limit=40)
    found = next(e for e in recommend(query).recommendations if e.reason.kind == "none" and e.source == "recommender")
    sentence = "There is no single product or search of your history that we name here."
    assert sentence in told(found.card.product_id, limit=40)[0]
    promote(monkeypatch, Promotion(found.card.product_id))
    page, _ = told(found.card.product_id, limit=40)
    assert "promotes it" in page or "put it here" in page
    assert sentence not in page


def test_three_of_which_any_is_enough_are_looked_for_on_request(
    version, popular, products, now, visitor, client, monkeypatch
):
    query = three_each_enough(products, now, visitor)
    found = recommend(query)
    asked = {"token": found.token, "product": found.product_ids[0]}
    page = client.get(reverse("recommendations:why", query=asked)).content.decode()
    assert "Look further" in page
    assert "any one of them" not in page
    page = client.get(reverse("recommendations:why", query=asked | {"further": "1"})).content.decode()
    said = "Because you viewed Book 11, bought Book 26 and saved Book 31: any one of them would be enough."
    assert said in page
    assert "We made the list again without each, without every two and without all three to check." in page
    predicted = page[page.index("What you would see without all three") :]
    assert "Book 60" not in predicted[: predicted.index("</ol>")]
    answer = client.get("/recommendations/v1/why/", asked | {"further": "1"}).json()
    (cause,) = answer["causes"]
    assert (cause["tier"], cause["evidence"]["ranks_with_one"]) == ("T2", [1, 1, 1])
    second = asked | {"product": found.product_ids[1], "further": "1"}
    page = client.get(reverse("recommendations:why", query=second)).content.decode()
    assert "We also looked for three of which any one would be enough, and found none." in page


def test_bought_together_is_told_to_be_no_cause(version, books, visitor, did, told):
    did(visitor, books[:3])
    first, other = Product.objects.filter(product_id__in=[str(books[0].pk), str(books[20].pk)]).order_by("pk")
    ProductPair.objects.create(product=first, other=other, shoppers=12, counted_at=timezone.now())
    forget()
    page, answer = told(other.product_id, limit=57)
    assert "Bought together by 10+ shoppers of Book 1." in page
    assert "it does not say why this one was chosen" in page
    assert "Because" not in page
    assert (answer["reason"]["shoppers"], answer["reason"]["anchors"][0]["id"]) == (10, first.product_id)


def predicted(page):
    """The titles of the list that the page foretells."""
    return re.findall(r">([^<]+)</a>", re.search(r'recommendations-predicted">(.*?)</ol>', page, re.DOTALL)[1])


@pytest.mark.parametrize("placement", ["home", "buy_again"])
def test_what_was_bought_can_be_removed_and_the_list_without_it_comes_true(
    version, popular, books, visitor, did, client, placement
):
    did(visitor, books[10:15], Kind.PURCHASE)
    query = RecommendationQuery(placement, visitor, limit=20)
    found = recommend(query)
    entry = next(entry for entry in found.recommendations if entry.reason.kind == "fact")
    bought = entry.card.product_id
    asked = {"token": found.token, "product": bought}
    page = client.get(reverse("recommendations:why", query=asked)).content.decode()
    assert "You bought this in" in page
    assert f"Remove {entry.card.title} from my history" in page
    assert removable(page) == [bought]
    assert 'name="without" value="1"' in page and "recommendations-predicted" not in page
    page = client.get(reverse("recommendations:why", query=asked | {"without": "1"})).content.decode()
    answer = client.get("/recommendations/v1/why/", asked).json()
    assert "Because" not in page
    assert answer["remembered"] == [{"type": "product", "id": bought, "title": entry.card.title, "event": "bought"}]
    client.post(reverse("recommendations:forget"), {"product": bought})
    served = recommend(query)
    assert answer["without"] == served.product_ids
    assert predicted(page) == [entry.card.title for entry in served.recommendations]
    assert bought not in served.product_ids


def test_without_the_only_product_bought_nothing_can_be_bought_again(version, books, visitor, did, client):
    did(visitor, books[10:11], Kind.PURCHASE)
    found = recommend(RecommendationQuery("buy_again", visitor))
    asked = {"token": found.token, "product": found.product_ids[0]}
    page = client.get(reverse("recommendations:why", query=asked | {"without": "1"})).content.decode()
    assert "What you would see without it" in page and "The list would be empty." in page
    assert client.get("/recommendations/v1/why/", asked).json()["without"] == []


def test_the_product_of_bought_together_can_be_removed_and_the_list_without_it_comes_true(
    version, books, visitor, did, client
):
    did(visitor, books[:3])
    first, other = Product.objects.filter(product_id__in=[str(books[0].pk), str(books[20].pk)]).order_by("pk")
    ProductPair.objects.create(product=first, other=other, shoppers=12, counted_at=timezone.now())
    forget()
    query = RecommendationQuery("home", visitor, limit=57)
    asked = {"token": recommend(query).token, "product": other.product_id}
    page = client.get(reverse("recommendations:why", query=asked | {"without": "1"})).content.decode()
    answer = client.get("/recommendations/v1/why/", asked).json()
    assert removable(page) == [first.product_id]
    assert answer["remembered"] == answer["reason"]["anchors"]
    client.post(reverse("recommendations:forget"), {"product": first.product_id})
    served = recommend(query)
    assert answer["without"] == served.product_ids
    assert predicted(page) == [entry.card.title for entry in served.recommendations]


def test_what_is_no_fact_of_the_history_offers_nothing_to_remove(version, popular, books, visitor, did, told):
    page, answer = told(recommend(RecommendationQuery("home")).product_ids[0])
    assert "Popular this week." in page
    assert removable(page) == [] and 'name="without"' not in page
    assert (answer["remembered"], answer["without"]) == ([], None)
    did(visitor, books[10:13])
    cause = next(e for e in recommend(RecommendationQuery("home", visitor)).recommendations if e.reason.tier == "T1")
    page, answer = told(cause.card.product_id)
    assert 'name="without"' not in page
    assert (answer["remembered"], answer["without"]) == ([], None)


def test_what_has_changed_since_the_list_was_made_is_told(version, popular, books, visitor, did, client):
    did(visitor, books[10:13])
    found = recommend(RecommendationQuery("home", visitor))

    def told(product_id):
        asked = {"token": found.token, "product": product_id}
        page = client.get(reverse("recommendations:why", query=asked)).content.decode()
        answer = client.get("/recommendations/v1/why/", asked).json()
        return "The list has changed since" in page, "learned anew" in page, answer["changed"]

    first, second = found.product_ids[:2]
    assert told(first) == (False, False, "")
    Book.objects.filter(pk=second).update(in_stock=False)
    assert told(first) == (True, False, "list")
    publish_made_artifact()
    again = recommend(RecommendationQuery("home", visitor)).product_ids
    assert told(again[0]) == (False, True, "version")


def test_nothing_has_changed_for_a_row_whose_list_is_the_same(version, popular, books, visitor, did, client):
    did(visitor, [books[place] for place in (3, 9, 27, 44)])
    row = because_rows(RecommendationQuery("new_for_you", visitor))[0]
    asked = {"token": row.token, "product": row.recommendations[-1].card.product_id, "anchor": row.anchor.id}
    answer = client.get("/recommendations/v1/why/", asked).json()
    assert answer["changed"] == ""
    assert answer["causes"][0]["anchors"][0]["id"] == row.anchor.id


def test_the_place_told_is_the_place_seen_though_what_is_named_stands_above(
    version, popular, books, visitor, did, told
):
    did(visitor, books[10:13], Kind.PURCHASE)
    found = recommend(RecommendationQuery("home", visitor, limit=40)).recommendations
    named_above = [
        (place, entry)
        for place, entry in enumerate(found, start=1)
        if entry.reason.tier == "T1" and entry.reason.evidence.rank_before < place
    ]
    assert named_above
    for place, entry in named_above:
        assert f"now it is number {place}." in told(entry.card.product_id, limit=40)[0]
